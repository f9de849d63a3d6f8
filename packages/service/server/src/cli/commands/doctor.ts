import { createBursar } from '@bursar/core'
import { z } from 'zod'
import { readSettings, type Settings } from '../../config/config.ts'
import { findUnsafeLedgerState, findUnsafeSettings } from '../../config/unsafe-settings.ts'
import { openStore } from '../../ledger/open-guard.ts'
import type { SealedVault } from '../../vault/sealed-vault.ts'
import type { AddCommand, CommandContext } from '../command.ts'
import { readErrorMessage } from '../error-message.ts'
import { createFlagParser } from '../flag-errors.ts'
import {
  checkChains,
  checkDatabase,
  checkFacilitator,
  checkKeys,
  checkVault,
  checkWallets,
  type Finding,
  runCheck,
} from '../health-checks.ts'
import { colourTerminalText, showTerminalProgress } from '../terminal.ts'

const urlField = z.url({ protocol: /^https?$/, error: 'must be an http address' })

/**
 * Adds `bursar doctor`, which checks the configuration and every system that the service depends
 * on.
 */
export const addDoctor: AddCommand = (program, context) => {
  program
    .command('doctor')
    .summary('check the configuration and every system that the service needs')
    .description(
      'Checks the configuration, database, keys, vault, wallets, chains and balances, and with --facilitator also a facilitator. Compares the clock of this machine with theirs. ' +
        'For each problem it prints how to solve it. It neither pays nor signs. The exit code is 4 if a check fails.',
    )
    .option('--facilitator <url>', 'the URL of a facilitator to check', createFlagParser(urlField))
    .action(async ({ facilitator }) => {
      const line = (seconds: number): string => `checking, ${seconds} s`
      const findings = await showTerminalProgress(context.terminal, line, () =>
        runDoctorChecks(context, facilitator),
      )
      const hasFailed = findings.some(({ state }) => state === 'failed')
      if (hasFailed) context.endWith('unsound')
      context.answer(
        { ok: !hasFailed, findings },
        findings.map((one) => formatDoctorFinding(context, one)).join('\n'),
      )
    })
}

async function runDoctorChecks(
  context: CommandContext,
  facilitator: string | undefined,
): Promise<readonly Finding[]> {
  const read = await readDoctorSettings(context)
  if ('finding' in read) return [read.finding]
  const { settings, vault, path } = read
  const unsafe = findUnsafeSettings(settings).map(createDoctorFailure)
  const configuration: readonly Finding[] =
    unsafe.length > 0
      ? unsafe
      : [{ check: 'configuration', state: 'ok', detail: `${path} is valid.` }]
  const others = await checkFacilitator(facilitator, settings.guard.rails)
  const sealed = await checkVault(vault)
  return [...configuration, ...(await checkDoctorLedger(settings)), ...sealed, ...others]
}

interface CheckedSettings {
  readonly settings: Settings
  readonly vault: SealedVault | undefined
  readonly path: string
}

async function readDoctorSettings(
  context: CommandContext,
): Promise<CheckedSettings | { readonly finding: Finding }> {
  try {
    const { config, environment, path } = await context.config()
    return { settings: readSettings(config, environment), vault: config.vault, path }
  } catch (error) {
    return { finding: createDoctorFailure(readErrorMessage(error)) }
  }
}

/** Runs the checks that need an open ledger: keys, wallets and chains. */
async function checkDoctorLedger(settings: Settings): Promise<readonly Finding[]> {
  const advice = 'Check the path or the URL of the database, its server and its disk.'
  return runCheck('database', advice, async () => {
    const store = await openStore(settings.database)
    const { guard } = settings
    let bursar: ReturnType<typeof createBursar>
    try {
      bursar = createBursar({ ...guard, store })
    } catch (error) {
      await store.close()
      return createDoctorFailure(readErrorMessage(error))
    }
    try {
      const database = await checkDatabase(bursar, store)
      if (database.some(({ check, state }) => check === 'database' && state === 'failed'))
        return database
      const instruments = await bursar.administration.instruments()
      const assets = bursar.administration.assets()
      return [
        ...database,
        ...(await findUnsafeLedgerState(bursar, settings)).map(createDoctorFailure),
        ...(await checkKeys(bursar, Date.now())),
        ...checkWallets(instruments),
        ...(await checkChains(guard.rails, assets, instruments)),
      ]
    } finally {
      await bursar.close()
    }
  })
}

/**
 * Creates a failed finding for a reason not to start the service. Its sentence includes the way
 * out.
 */
function createDoctorFailure(detail: string): Finding {
  return { check: 'configuration', state: 'failed', detail }
}

const colours = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' } as const

function formatDoctorFinding(
  { terminal }: CommandContext,
  { check, state, detail, advice }: Finding,
): string {
  const mark = colourTerminalText(terminal, terminal.out, colours[state], state.padEnd(7))
  return `${mark}  ${check.padEnd(13)}  ${detail}${advice === undefined ? '' : `\n${' '.repeat(24)}${advice}`}`
}
