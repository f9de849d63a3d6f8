import { createBursar } from '@bursar/core'
import { z } from 'zod'
import { readSettings, type Settings } from '../../config/config.ts'
import { findUnsafeLedgerState, findUnsafeSettings } from '../../config/unsafe-settings.ts'
import { openStore } from '../../ledger/open-guard.ts'
import type { SealedVault } from '../../vault/sealed-vault.ts'
import type { AddCommand, CommandContext } from '../command.ts'
import { parsedBy } from '../flag-errors.ts'
import {
  chainFindings,
  databaseFindings,
  type Finding,
  facilitatorFindings,
  keyFindings,
  looked,
  messageOf,
  vaultFindings,
  walletFindings,
} from '../health-checks.ts'
import { coloured, shown } from '../terminal.ts'

const urlField = z.url({ protocol: /^https?$/, error: 'must be an http address' })

/** `bursar doctor`: whether all that the service stands on is in order. */
export const addDoctor: AddCommand = (program, context) => {
  program
    .command('doctor')
    .summary('check what the service stands on')
    .description(
      'Checks configuration, database, keys, the vault of secrets, wallets, chains, balances and, if one is named, a facilitator, and compares the clock with all that have one; says ' +
        'what to do about what is not in order. It pays nothing and signs nothing. Ends with 4 if something has failed.',
    )
    .option('--facilitator <url>', 'a facilitator to look at as well', parsedBy(urlField))
    .action(async ({ facilitator }) => {
      const line = (seconds: number): string => `looking, ${seconds} s`
      const findings = await shown(context.terminal, line, () => diagnosed(context, facilitator))
      const hasFailed = findings.some(({ state }) => state === 'failed')
      if (hasFailed) context.endWith('unsound')
      context.answer(
        { ok: !hasFailed, findings },
        findings.map((one) => told(context, one)).join('\n'),
      )
    })
}

async function diagnosed(
  context: CommandContext,
  facilitator: string | undefined,
): Promise<readonly Finding[]> {
  const read = await settingsOf(context)
  if ('finding' in read) return [read.finding]
  const { settings, vault, path } = read
  const unsafe = findUnsafeSettings(settings).map(wrong)
  const configuration: readonly Finding[] =
    unsafe.length > 0
      ? unsafe
      : [{ check: 'configuration', state: 'ok', detail: `${path} is in order.` }]
  const others = await facilitatorFindings(facilitator, settings.guard.rails)
  const sealed = await vaultFindings(vault)
  return [...configuration, ...(await ledgerFindings(settings)), ...sealed, ...others]
}

interface Read {
  readonly settings: Settings
  readonly vault: SealedVault | undefined
  readonly path: string
}

async function settingsOf(context: CommandContext): Promise<Read | { readonly finding: Finding }> {
  try {
    const { config, environment, path } = await context.config()
    return { settings: readSettings(config, environment), vault: config.vault, path }
  } catch (error) {
    return { finding: wrong(messageOf(error)) }
  }
}

/** Everything that an open ledger is needed for. */
async function ledgerFindings(settings: Settings): Promise<readonly Finding[]> {
  const advice = 'Check the path or the URL of the database, its server and its disk.'
  return looked('database', advice, async () => {
    const store = await openStore(settings.database)
    const { guard } = settings
    let bursar: ReturnType<typeof createBursar>
    try {
      bursar = createBursar({ ...guard, store })
    } catch (error) {
      await store.close()
      return wrong(messageOf(error))
    }
    try {
      const database = await databaseFindings(bursar, store)
      if (database.some(({ check, state }) => check === 'database' && state === 'failed'))
        return database
      const instruments = await bursar.administration.instruments()
      const assets = bursar.administration.assets()
      return [
        ...database,
        ...(await findUnsafeLedgerState(bursar, settings)).map(wrong),
        ...(await keyFindings(bursar, Date.now())),
        ...walletFindings(instruments),
        ...(await chainFindings(guard.rails, assets, instruments)),
      ]
    } finally {
      await bursar.close()
    }
  })
}

/** What a service would not start on. The sentence says what to do as well. */
function wrong(detail: string): Finding {
  return { check: 'configuration', state: 'failed', detail }
}

const colours = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' } as const

function told({ terminal }: CommandContext, { check, state, detail, advice }: Finding): string {
  const mark = coloured(terminal, terminal.out, colours[state], state.padEnd(7))
  return `${mark}  ${check.padEnd(13)}  ${detail}${advice === undefined ? '' : `\n${' '.repeat(24)}${advice}`}`
}
