import {
  type Bursar,
  createBursar,
  guardedHttp,
  type LimitsInput,
  type PaymentSession,
  type PayResult,
} from '@bursar/core'
import { type Sandbox, startSandbox } from '@bursar/sandbox'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { privateKeyToAccount } from 'viem/accounts'

/** A guard as its users build it, on a real chain with real merchants. */
export interface SandboxWorld {
  readonly sandbox: Sandbox
  readonly bursar: Bursar
  readonly payer: `0x${string}`
  readonly delegation: string
  openSession(limits: LimitsInput): Promise<PaymentSession>
  /** Returns the amount that has left the payer's account on the chain, in atomic units. */
  spent(): Promise<bigint>
  stop(): Promise<void>
}

/**
 * The client's time limit: short for slow hostile merchants, and far longer than honest answers
 * take.
 */
const DEADLINE_MS = 5_000

const FUNDS = 1_000_000_000n

export async function sandboxWorld(): Promise<SandboxWorld> {
  const sandbox = await startSandbox()
  const { network, asset, rpcUrl, hosts } = sandbox
  const { address, privateKey } = await sandbox.createAccount('1000.00')
  const account = privateKeyToAccount(privateKey)
  const bursar = createBursar({
    store: sqliteStore({ path: ':memory:', clock: sandbox.clock }),
    rails: [x402({ networks: { [network]: { rpcUrl } } })],
    assets: [asset],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet: viemWallet({ account }) } },
    http: guardedHttp({ development: { hosts }, deadlineMs: DEADLINE_MS }),
  })
  const delegation = await bursar.endUser('alice').grantDelegation({
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '30d',
    merchants: hosts.map((host) => ({ host })),
    limits: { currency: 'USD', total: '1000.00' },
    consent: { how: 'test' },
  })
  return {
    sandbox,
    bursar,
    payer: address,
    delegation: delegation.id,
    openSession: async (limits) => {
      const { token } = await bursar.management.createSession({
        delegation: delegation.id,
        expiresIn: '8h',
        limits,
      })
      return bursar.openSession(token)
    },
    spent: async () => FUNDS - (await sandbox.balanceOf(address)),
    stop: async () => {
      await bursar.close()
      await sandbox.stop()
    },
  }
}

/** Returns a result's code, or its status if it has no code. */
export function outcome(result: PayResult): string {
  return 'code' in result && result.code !== undefined ? result.code : result.status
}
