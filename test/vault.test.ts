import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { type Bursar, createBursar, guardedHttp, type PayResult } from '@bursar/core'
import { sqliteStore } from '@bursar/store-sqlite'
import { x402 } from '@bursar/x402'
import { trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { awsKmsKey, localKey, serve } from 'bursar'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AwsService, startAwsService } from '../packages/service/server/test/aws-service.ts'
import {
  type ChangeableVault,
  changeableVault,
} from '../packages/service/server/test/changeable-vault.ts'
import { outcome } from './sandbox-world.ts'
import { type SealedWallet, type SealedWorld, sealedWorld } from './vault/sealed-world.ts'

/** The time limit of a test, which runs each command as a process. */
const COMMANDS_BUDGET_MS = 120_000

let world: SealedWorld
let aws: AwsService
let bursar: Bursar
/** The vault with equal secrets whose data keys KMS has wrapped. */
let byKms: ChangeableVault
const tokens = new Map<string, string>()
/** Everything visible outside the guard: answers, output, spans, thrown errors. */
const seen: unknown[] = []
const exporter = new InMemorySpanExporter()
let calls = 0

beforeAll(async () => {
  const spanProcessors = [new SimpleSpanProcessor(exporter)]
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }))
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream)
    vi.spyOn(stream, 'write').mockImplementation((text, ...rest) => {
      seen.push(`${text}`)
      return write(text as string, ...(rest as []))
    })
  }
  for (const name of ['log', 'info', 'warn', 'error'] as const) {
    vi.spyOn(console, name).mockImplementation((...texts) => void seen.push(texts))
  }
  world = await sealedWorld()
  aws = await startAwsService()
  for (const [name, value] of Object.entries(aws.environment)) vi.stubEnv(name, value)
  const database = join(world.folder, 'bursar.vault')
  const kms = awsKmsKey({ keyArn: aws.keyArn, endpoint: aws.url })
  byKms = changeableVault({
    database,
    keys: [kms, localKey({ path: join(world.folder, 'bursar.key') })],
  })
  await byKms.rewrap()
  bursar = createBursar({
    store: sqliteStore({ path: ':memory:', clock: world.sandbox.clock }),
    ...guardOf(byKms),
  })
  for (const one of world.wallets) tokens.set(one.name, await tokenFor(bursar, one.name))
}, 60_000)
afterAll(async () => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  await bursar.close()
  await aws.close()
  await world.stop()
})

function guardOf(vault: ChangeableVault) {
  const { network, rpcUrl, asset, hosts } = world.sandbox
  const instrument = ({ name, address, wallet }: SealedWallet) => ({
    endUser: 'alice',
    wallet: vault.wallet({ secret: name, address, wallet }),
  })
  return {
    rails: [x402({ networks: { [network]: { rpcUrl } } })],
    assets: [asset],
    instruments: Object.fromEntries(world.wallets.map((one) => [one.name, instrument(one)])),
    http: guardedHttp({ development: { hosts } }),
  }
}

async function tokenFor(guard: Bursar, instrument: string, payer?: string): Promise<string> {
  const { id } = await guard.endUser('alice').grantDelegation({
    agent: 'researcher',
    instrument,
    expiresIn: '1d',
    merchants: world.sandbox.hosts.map((host) => ({ host })),
    limits: { currency: 'USD', total: '1.00' },
    consent: { how: 'test' },
  })
  const limits = { currency: 'USD', total: '1.00' }
  const session = { delegation: id, expiresIn: '1h', limits, payer }
  return (await guard.management.createSession(session)).token
}

async function pay(name: string): Promise<string> {
  const { url } = world.sandbox.merchants.honest
  calls += 1
  const request = { url: `${url}/item/${calls}`, purpose: 'to have it' }
  const result: PayResult = await bursar.openSession(tokens.get(name) ?? '').pay(request)
  seen.push(result)
  return outcome(result)
}

const records = async () => {
  const { rows } = await bursar.auditing.read({ limit: 500 })
  return rows.map(({ event }) => event)
}

/** Returns the recorded openings of secrets and ends of payments, after a number of records. */
async function since(before: number): Promise<readonly string[]> {
  return (await records()).slice(before).flatMap((event) => {
    if (event.type === 'secret-opened') return [`opened ${event.secret} ${event.version}`]
    if (event.type === 'payment-released') return [`released: ${event.reason}`]
    return event.type === 'payment-claimed' ? ['paid'] : []
  })
}

const count = async (): Promise<number> => (await records()).length
const held = async () => {
  const { rows } = await bursar.endUser('alice').delegations()
  return [...new Set(rows.map((one) => one.held))]
}

describe.each(['key', 'cdp', 'privy'])('a wallet of a sealed secret: %s', (name) => {
  const wallet = (): SealedWallet => {
    const found = world.wallets.find((one) => one.name === name)
    if (!found) throw new Error(`There is no ${name}.`)
    return found
  }

  test('pays on the chain, and opens its secret for that', async () => {
    const [before, decrypted] = [await count(), aws.log.length]
    const balance = await world.sandbox.balanceOf(wallet().address)
    expect(await pay(name)).toBe('paid')
    expect(balance - (await world.sandbox.balanceOf(wallet().address))).toBe(10_000n)
    expect(await since(before)).toEqual([`opened ${name} 1`, 'paid'])
    expect(aws.log.slice(decrypted)).toEqual(['Decrypt 200'])
    await world.sandbox.mine(2)
    await bursar.reconcile()
  })

  test.each<[AwsService['fault'], string]>([
    [{ status: 400, type: 'AccessDeniedException' }, 'AccessDeniedException'],
    ['drop', 'TimeoutError'],
  ])('with KMS down pays nothing, and nothing stays held: %j', async (fault, kind) => {
    const [before, balance] = [await count(), await world.sandbox.balanceOf(wallet().address)]
    aws.fault = fault
    expect(await pay(name)).toBe('wallet_unavailable')
    aws.fault = undefined
    const code = 'wrapping_key_unavailable'
    const why = `${name} could not be opened: ${code}: vault: AWS KMS: ${kind}.`
    expect(await since(before)).toEqual([
      `opened ${name} 1`,
      `released: wallet_unavailable: ${why}`,
    ])
    expect(await held()).toEqual(['0.00'])
    expect(await world.sandbox.balanceOf(wallet().address)).toBe(balance)
  })

  test('signs nothing with a secret that is not its own, and pays with the one before', async () => {
    const before = await count()
    await byKms.rotate(name, Buffer.from(`canary-wrong-${name}`), { overlap: '1h' })
    expect(await pay(name)).toBe('paid')
    expect(await since(before)).toEqual([`opened ${name} 2`, `opened ${name} 1`, 'paid'])
    await byKms.remove(name, { version: 1 })
    expect(await pay(name)).toBe('credential_expired')
    expect(await since(before)).toMatchObject([
      ...[`opened ${name} 2`, `opened ${name} 1`, 'paid', `opened ${name} 2`],
      expect.stringMatching(/^released: credential_expired: /),
    ])
    await byKms.rotate(name, Buffer.from(wallet().newest()))
    expect(await pay(name)).toBe('paid')
    await world.sandbox.mine(2)
    await bursar.reconcile()
    expect(await held()).toEqual(['0.00'])
  })
})

test.each([
  ['cdp', ['typed-data 200']],
  // The wallet has no account id, so it looks its account up each time.
  ['privy', ['wallets 200', 'rpc 200']],
])(
  '%s is asked for a payment once, and to look an account up only if it is not told',
  async (name, asked) => {
    const { log = [] } = world.wallets.find((one) => one.name === name) ?? {}
    const before = log.length
    expect(await pay(name)).toBe('paid')
    expect(log.slice(before).map((line) => line.replace(/^.*\/|\?\S*/g, ''))).toEqual(asked)
    await world.sandbox.mine(2)
    await bursar.reconcile()
  },
)

test.each(['cdp', 'privy'])('a credential that %s has ended is told as such', async (name) => {
  const wallet = world.wallets.find((one) => one.name === name)
  world.canaries()
  wallet?.renew?.()
  expect(await pay(name)).toBe('credential_expired')
  expect(await held()).toEqual(['0.00'])
  const before = await count()
  await byKms.rotate(name, Buffer.from(wallet?.newest() ?? ''), { overlap: '1h' })
  expect(await pay(name)).toBe('paid')
  expect(await since(before)).toEqual([`opened ${name} 4`, 'paid'])
  await world.sandbox.mine(2)
  await bursar.reconcile()
})

test('a removed secret pays nothing from then on', async () => {
  await byKms.remove('key')
  expect(await pay('key')).toBe('wallet_unavailable')
  const key = world.wallets.find(({ name }) => name === 'key')
  await byKms.put('key', Buffer.from(key?.newest() ?? ''))
  expect(await pay('key')).toBe('paid')
})

test('an agent beside the service is given no secret, by its environment or in its answers', async () => {
  const { folder, sandbox } = world
  const guard = guardOf(byKms)
  const config = {
    ...guard,
    vault: byKms,
    database: join(folder, 'ledger.db'),
    listen: { port: 0 },
  }
  const log = (entry: unknown) => void seen.push(entry)
  const service = await serve(config, { environment: {}, log })
  const ledger = createBursar({ store: sqliteStore({ path: config.database }), ...guardOf(byKms) })
  const { id, key } = await ledger.administration.issueKey({ roles: ['payer'], expiresIn: '1h' })
  const token = await tokenFor(ledger, 'key', id)
  const url = `${sandbox.merchants.honest.url}/item/agent`
  // The application passes its whole environment on to the agent.
  const { AWS_SECRET_ACCESS_KEY: _, ...inherited } = process.env
  const given = { AGENT_URL: service.url, AGENT_TOKEN: token, AGENT_KEY: key, AGENT_SHOP: url }
  const output = await run('vault/agent.ts', { ...inherited, ...given })
  seen.push(output)
  expect(JSON.parse(output).result.status).toBe('paid')
  await service.close()
  for await (const one of trail(ledger)) seen.push(one)
  await ledger.close()
})

test(
  'no command shows a secret, whatever becomes of it',
  async () => {
    const { folder, sandbox } = world
    const at = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
    writeFileSync(
      join(folder, 'bursar.config.mjs'),
      `import { localKey, sealedVault } from ${at('../packages/service/server/src/index.ts')}
    import { x402 } from ${at('../packages/rails/x402/src/index.ts')}
    const rpcUrl = '${sandbox.rpcUrl}'
    export default {
      database: 'commands.db',
      rails: [x402({ networks: { '${sandbox.network}': { rpcUrl } } })],
      vault: sealedVault({ database: 'commands.vault', keys: [localKey({ path: 'bursar.key' })] }),
    }`,
    )
    const commands: readonly (readonly [string, number, ...string[]])[] = [
      ['canary-command-1', 0, 'put', 'cdp'],
      ['canary-command-2', 3, 'put', 'cdp'],
      ['canary-command-3', 0, '--json', 'rotate', 'cdp', '--overlap', '1h'],
      ['canary-command-4', 3, 'rotate', 'privy'],
      ['canary-command-5', 2, 'put', 'no name'],
      ['canary-command-6'.repeat(5_000), 2, 'put', 'privy'],
      ['', 2, 'put', 'privy', 'canary-command-7'],
      ['', 2, 'put', 'privy', '--value=canary-command-8'],
      ['', 0, 'list'],
      ['', 0, '--json', 'list'],
      ['', 0, 'rotate', '--wrapping-key'],
      ['', 0, 'remove', 'cdp', '--only', '1'],
      ['', 0, 'remove', 'cdp'],
    ]
    for (const [input, code, ...args] of commands) {
      const told = await bursarCommand(folder, input, ['vault', ...args])
      seen.push(told.output)
      expect([args, told.code]).toEqual([args, code])
    }
    const trail = await bursarCommand(folder, '', ['audit', 'export'])
    seen.push(trail.output, readFileSync(join(folder, 'commands.vault'), 'latin1'))
    expect(trail.output.match(/secret-(added|rotated|removed)/g)).toHaveLength(4)
  },
  COMMANDS_BUDGET_MS,
)

/** Compares all planted secrets with everything that was seen. Runs last. */
test('no secret was seen anywhere, in any form', async () => {
  const canaries = [...world.canaries(), 'canary-wrong-', 'canary-command-']
  expect(canaries.length).toBeGreaterThan(6)
  for await (const one of trail(bursar)) seen.push(one)
  const spans = exporter.getFinishedSpans()
  expect(spans.length).toBeGreaterThan(50)
  seen.push(
    ...spans.map(({ name, attributes, events, status }) => [name, attributes, events, status]),
  )
  seen.push(
    byKms,
    bursar,
    world.vault,
    await byKms.list(),
    await bursar.administration.instruments(),
  )
  seen.push(readFileSync(join(world.folder, 'bursar.vault'), 'latin1'))
  const shown = seen
    .map(
      (one) =>
        `${inspect(one, { depth: 12, showHidden: true, maxStringLength: null })}\n${texts(one)}`,
    )
    .join('\n')
  const found = canaries.filter((canary) => formsOf(canary).some((form) => shown.includes(form)))
  expect(found.map((canary) => canaries.indexOf(canary))).toEqual([])
  // Proves that the search works: a planted secret is found.
  expect(`${shown}${canaries[0]}`).toContain(formsOf(canaries[0] ?? '')[0])
  expect(shown).toContain('secret-opened')
})

function texts(value: unknown): string {
  const text = (one: unknown) => (typeof one === 'bigint' ? `${one}` : one)
  return typeof value === 'string' ? value : (JSON.stringify(value, (_key, one) => text(one)) ?? '')
}

function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret)
  return [
    secret,
    secret.replace(/^0x/, ''),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('hex'),
    encodeURIComponent(secret),
    [...secret].reverse().join(''),
  ]
}

async function* trail(guard: Bursar): AsyncGenerator<unknown> {
  let after: string | undefined
  do {
    const page = await guard.auditing.read({ after, limit: 500 })
    yield* page.rows
    after = page.rows.length > 0 ? page.cursor : undefined
  } while (after !== undefined)
}

async function run(file: string, env: NodeJS.ProcessEnv): Promise<string> {
  return (await endOf(spawn(process.execPath, [pathOf(file)], { env }))).output
}

/** Runs the command line with piped input, in a process of its own. */
function bursarCommand(folder: string, input: string, args: readonly string[]) {
  const cli = pathOf('../packages/service/server/src/cli.ts')
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder })
  // A command that refuses its arguments reads no input.
  child.stdin.on('error', () => {}).end(input)
  return endOf(child)
}

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

/** The exit code of a process, and all of its output. */
function endOf(child: ChildProcessWithoutNullStreams) {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise<{ readonly code: number | null; readonly output: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, output }))
  })
}
