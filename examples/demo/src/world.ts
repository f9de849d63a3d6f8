import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bursar, createBursar, type LimitsInput, type PaymentSession } from '@bursar/core'
import type { CedarPolicy } from '@bursar/policy-cedar'
import { type Sandbox, startSandbox } from '@bursar/sandbox'
import { sqliteStore } from '@bursar/store-sqlite'
import { x402 } from '@bursar/x402'
import type { WalletKind } from './command-line.ts'
import { houseRules } from './house-rules.ts'
import { type DemoWallet, openWallet } from './wallet.ts'

/** A session that the demo opened, with its secret token. */
export interface DemoSession {
  readonly id: string
  readonly name: string
  readonly session: PaymentSession
  readonly token: string
}

/** The paid world of the demo, and a guard in this process. */
export interface DemoWorld {
  readonly sandbox: Sandbox
  readonly bursar: Bursar
  readonly alice: DemoWallet
  /** The operator's rules, if there are any. */
  readonly policy: CedarPolicy | undefined
  /** The balance of Alice's wallet before the first payment, in atomic units. */
  readonly fundedAtomic: bigint
  readonly delegation: string
  /** Every session that was opened so far. */
  readonly sessions: readonly DemoSession[]
  createSession(name: string, limits: LimitsInput): Promise<DemoSession>
  [Symbol.asyncDispose](): Promise<void>
}

/** The money in Alice's wallet, and the part of it that the agent may spend in all its sessions. */
export const funds = '10.00'
export const delegated = '2.00'

/** The life of a session, in minutes. */
export const sessionMinutes = 30

/** Starts a chain with merchants, and a guard on an SQLite file that is removed at the end. */
export async function openWorld(options: {
  readonly policy: boolean
  readonly wallet: WalletKind
}): Promise<DemoWorld> {
  await using stack = new AsyncDisposableStack()
  const sandbox = stack.use(await startSandbox())
  const folder = await mkdtemp(join(tmpdir(), 'bursar-demo-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const alice = await openWallet(options.wallet, sandbox, funds)
  stack.defer(() => alice.close())
  const shops = shopsOf(sandbox)
  const policy = options.policy ? houseRules(shops) : undefined
  const bursar = createBursar({
    store: sqliteStore({ path: join(folder, 'bursar.db'), clock: sandbox.clock }),
    // For the real thing: { 'eip155:8453': { rpcUrl } }, and no assets, development or clock.
    rails: [x402({ networks: { [sandbox.network]: { rpcUrl: sandbox.rpcUrl } } })],
    instruments: { 'alice-wallet': alice.instrument },
    assets: [{ ...sandbox.asset, address: sandbox.asset.address.toLowerCase() }],
    development: { hosts: sandbox.hosts },
    policies: policy ? [policy] : [],
  })
  stack.defer(() => bursar.close())
  const delegation = await grantPermission(bursar, shops)
  const fundedAtomic = await sandbox.balanceOf(alice.address)
  const sessions: DemoSession[] = []
  const open = stack.move()
  return {
    sandbox,
    bursar,
    alice,
    policy,
    fundedAtomic,
    delegation,
    sessions,
    async createSession(name, limits) {
      const expiresIn = `${sessionMinutes}m`
      const { id, token } = await bursar.management.createSession({ delegation, expiresIn, limits })
      const created = { id, name, token, session: bursar.openSession(token) }
      sessions.push(created)
      return created
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

/** Returns the hosts of the five shops of the story. */
function shopsOf(sandbox: Sandbox): readonly string[] {
  const { honest, hostile } = sandbox.merchants
  const { injectsChallenge, injectsContent, dropsConnection, failsAfterPayment } = hostile
  return [honest, injectsChallenge, injectsContent, dropsConnection, failsAfterPayment].map(
    ({ host }) => host,
  )
}

/** Grants Alice's permission, and returns its id. */
async function grantPermission(bursar: Bursar, shops: readonly string[]): Promise<string> {
  const { id } = await bursar.endUser('alice').grantDelegation({
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '30d',
    limits: { currency: 'USD', total: delegated },
    merchants: shops.map((host) => ({ host })),
    consent: { how: 'the demo, on her behalf' },
  })
  return id
}
