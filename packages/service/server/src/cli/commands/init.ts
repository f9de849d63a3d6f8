import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { type Bursar, BursarError, type DelegationSummary, type Role, roles } from '@bursar/core'
import { z } from 'zod'
import { readSettings } from '../../config/config.ts'
import { ENV_NAME, findConfig, readConfigFile } from '../../config/config-file.ts'
import { openOperatorGuard } from '../../ledger/open-guard.ts'
import type { AddCommand, CommandContext } from '../command.ts'
import { readErrorCode } from '../exit-code.ts'
import { createFlagParser } from '../flag-errors.ts'
import { createInitFiles, type InitFile, type NewService } from '../init-templates.ts'
import {
  addLimitOptions,
  addRuleOptions,
  type RuleOptions,
  readLimits,
  readRuleOptions,
} from '../limit-options.ts'
import { colourTerminalText } from '../terminal.ts'

const nameField = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/, 'must be letters, digits and . _ @ + - only')

const networkField = z
  .string()
  .regex(/^eip155:[1-9][0-9]{0,14}$/, 'must be a network such as eip155:84532')

const urlField = z.url({ protocol: /^https?$/, error: 'must be an http address' })

/** Public RPC endpoints with a low rate limit. A service in production needs its own endpoint. */
const publicRpcUrls: Readonly<Record<string, string>> = {
  'eip155:8453': 'https://mainnet.base.org',
  'eip155:84532': 'https://sepolia.base.org',
}

/**
 * The folder for the key files. Each role has a file of its own, so that each key can be handed out
 * alone.
 */
const KEY_FOLDER = 'keys'

/** The packages that the generated configuration imports. */
const neededPackages = ['bursar', '@bursar/x402', '@bursar/wallet-viem', 'viem'] as const

/** Adds `bursar init`, which sets up a new service in the current folder. */
export const addInit: AddCommand = (program, context) => {
  const init = program
    .command('init')
    .summary('create a configuration, keys and a first delegation')
    .description(
      'Creates a configuration with a new wallet, and a key for each role. If the wallet holds a balance, also grants the agent a first delegation. ' +
        'Prints the next steps. Existing files are never overwritten, and only the owner can read files with secrets.',
    )
    .requiredOption(
      '--end-user <name>',
      'the end user who owns the wallet',
      createFlagParser(nameField),
    )
    .option(
      '--agent <name>',
      'the agent that gets the first delegation',
      createFlagParser(nameField),
      'agent',
    )
    .option(
      '--network <id>',
      'the network to pay on',
      createFlagParser(networkField),
      'eip155:84532',
    )
    .option('--rpc-url <url>', 'an RPC endpoint of the network', createFlagParser(urlField))
    .option(
      '--sandbox <file>',
      'a file with the output of bursar sandbox --json, to pay in that sandbox',
    )
    .option('--expires-in <duration>', 'the lifetime of the keys and the delegation', '90d')
  addRuleOptions(addLimitOptions(init)).action(async (options) => {
    const { folder } = context.terminal
    const service = readInitService(folder, options)
    const files = createInitFiles(folder, service)
    assertInitFolderNew(folder, files)
    const written: string[] = []
    try {
      for (const file of files) written.push(await writeInitFile(folder, file))
      await initLedger(context, service, options, written)
    } catch (error) {
      // A leftover file would make the next attempt fail, so remove the files that this attempt
      // wrote.
      for (const path of written.reverse()) await rm(path, { recursive: true, force: true })
      throw error
    }
  })
}

type InitOptions = Parameters<typeof readLimits>[0] &
  RuleOptions & {
    readonly endUser: string
    readonly agent: string
    readonly network: string
    readonly rpcUrl?: string | undefined
    readonly sandbox?: string | undefined
    readonly expiresIn: string
  }

function readInitService(folder: string, options: InitOptions): NewService {
  const { endUser, network, rpcUrl = publicRpcUrls[network], sandbox } = options
  const names = { endUser, instrument: `${endUser}-wallet` }
  if (sandbox !== undefined) {
    const path = resolve(folder, sandbox)
    if (!existsSync(path)) {
      throw new BursarError(
        'invalid_input',
        `--sandbox: the file ${path} does not exist. Create it: bursar sandbox --json > ${sandbox}`,
      )
    }
    return { ...names, place: { sandboxFile: `./${relative(folder, path)}` } }
  }
  if (rpcUrl === undefined) {
    throw new BursarError(
      'invalid_input',
      `--rpc-url: no endpoint is known for ${network}. Add --rpc-url with the URL of an RPC endpoint.`,
    )
  }
  return { ...names, place: { network, rpcUrl } }
}

function assertInitFolderNew(folder: string, files: readonly InitFile[]): void {
  const names = [...files.map(({ name }) => name), ENV_NAME, KEY_FOLDER, 'bursar.db']
  const existing = findConfig(folder) ?? names.map((name) => join(folder, name)).find(existsSync)
  if (existing !== undefined) throw initFileExistsError(existing)
}

function initFileExistsError(path: string): BursarError {
  return new BursarError(
    'file_exists',
    `${path} exists already. Nothing was written: run bursar init in another folder.`,
  )
}

async function writeInitFile(folder: string, { name, text, isSecret }: InitFile): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text, { flag: 'wx', mode: isSecret ? 0o600 : 0o644, flush: true })
  return path
}

async function initLedger(
  context: CommandContext,
  service: NewService,
  options: InitOptions,
  written: string[],
): Promise<void> {
  const { terminal } = context
  const { folder } = terminal
  const { config, environment, path } = await readConfigFile(terminal, findConfig(folder)).catch(
    throwInitPackageMissing,
  )
  const settings = readSettings(config, environment)
  const { database } = settings
  if (!/^postgres/.test(database)) {
    // `BURSAR_DATABASE` may name a ledger that is in use.
    if (existsSync(database)) throw initFileExistsError(database)
    written.push(database)
  }
  const bursar = await openOperatorGuard(settings)
  try {
    written.push(join(folder, KEY_FOLDER))
    await mkdir(join(folder, KEY_FOLDER), { mode: 0o700 })
    const keys: Partial<Record<Role, string>> = {}
    for (const role of roles) keys[role] = await issueInitRoleKey(bursar, role, folder, options)
    const delegation = await tryInitGrant(bursar, service, options)
    const [instrument] = await bursar.administration.instruments()
    const address = instrument?.address
    const value = { config: path, keys, address, delegation: delegation?.id }
    context.answer(value, describeInitNextSteps(context, { ...value, service, options }))
  } finally {
    await bursar.close()
  }
}

/**
 * Throws `package_missing` if the generated configuration imports a package that is not installed.
 * Throws every other error as it is.
 */
function throwInitPackageMissing(error: unknown): never {
  const cause = error instanceof BursarError ? error.cause : undefined
  if (readErrorCode(cause) !== 'ERR_MODULE_NOT_FOUND') throw error
  const message = `The configuration imports packages that are not installed. Install them: npm install ${neededPackages.join(' ')}`
  throw new BursarError('package_missing', message, { cause: error })
}

async function issueInitRoleKey(
  { administration }: Bursar,
  role: Role,
  folder: string,
  { endUser, expiresIn }: InitOptions,
): Promise<string> {
  const { id, key } = await administration.issueKey({
    roles: [role],
    expiresIn,
    label: `first ${role}`,
    ...(role === 'end_user' ? { endUser } : {}),
  })
  await writeInitFile(folder, {
    name: join(KEY_FOLDER, `${role}.key`),
    text: `${key}\n`,
    isSecret: true,
  })
  return id
}

/**
 * Grants the first delegation. Returns undefined if the wallet holds nothing yet: a delegation
 * needs a funded wallet.
 */
async function tryInitGrant(
  bursar: Bursar,
  { instrument }: NewService,
  options: InitOptions,
): Promise<DelegationSummary | undefined> {
  const { endUser, agent, expiresIn } = options
  try {
    return await bursar.endUser(endUser).grantDelegation({
      agent,
      instrument,
      expiresIn,
      limits: readLimits(options),
      ...readRuleOptions(options),
      consent: { how: 'bursar init' },
    })
  } catch (error) {
    const isLater = ['instrument_unfunded', 'wallet_unavailable'].includes(
      readErrorCode(error) ?? '',
    )
    if (isLater) return undefined
    throw error
  }
}

interface NewServiceReport {
  readonly config: string
  readonly keys: Partial<Record<Role, string>>
  readonly address: string | undefined
  readonly delegation: string | undefined
  readonly service: NewService
  readonly options: InitOptions
}

function describeInitNextSteps({ terminal }: CommandContext, begun: NewServiceReport): string {
  const { config, keys, address, delegation, service, options } = begun
  const bold = (text: string): string => colourTerminalText(terminal, terminal.out, 'bold', text)
  const { endUser, agent, total, expiresIn } = options
  const grantIt =
    `bursar delegations grant --end-user ${endUser} --agent ${agent} --instrument ${service.instrument} ` +
    `--total ${total} --expires-in ${expiresIn} --consent "settings page"`
  const secrets =
    'sandboxFile' in service.place ? '' : `${ENV_NAME} with the private key of the wallet, and `
  const fund = `Fund ${address ?? 'the wallet'}, then run: ${grantIt}`
  const open =
    `bursar sessions create --delegation ${delegation ?? '<id>'} --payer ${keys.payer} ` +
    '--expires-in 30m --total 1.00'
  const steps = [
    ...(delegation === undefined ? [fund] : []),
    'Check the service: bursar doctor',
    'Run the service: bursar serve',
    `Create a session, and give the agent its token and ${KEY_FOLDER}/payer.key: ${open}`,
    `Give each of the other keys to the person or program of its role. Keep secrets out of version control.`,
  ]
  return [
    `${bold('Written')}: ${config}, ${secrets}${KEY_FOLDER}/ with a key for each role.`,
    delegation === undefined
      ? `${bold('No delegation yet')}: ${service.instrument} holds no balance.`
      : `${bold('Granted')}: ${agent} may spend ${total} from ${service.instrument} (${delegation}).`,
    '',
    bold('Next'),
    ...steps.map((step, index) => `${index + 1}. ${step}`),
  ].join('\n')
}
