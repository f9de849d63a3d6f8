import { type Bursar, createBursar } from '@bursar/core'
import { type Sandbox, startSandbox } from '@bursar/sandbox'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { privateKeyToAccount } from 'viem/accounts'

/** A paid world on this machine, and a guard in it. */
export interface SandboxGuard {
  readonly sandbox: Sandbox
  readonly bursar: Bursar
  /** Ends the guard, and then the world that it paid in. */
  close(): Promise<void>
}

/** Starts the examples' guard: Alice's wallet holds ten test dollars, the ledger is in memory. */
export async function startSandboxGuard(): Promise<SandboxGuard> {
  const sandbox = await startSandbox()
  const { privateKey } = await sandbox.createAccount('10.00')
  const account = privateKeyToAccount(privateKey)
  const bursar = createBursar({
    store: sqliteStore({ path: ':memory:' }),
    rails: [x402({ networks: { [sandbox.network]: { rpcUrl: sandbox.rpcUrl } } })],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet: viemWallet({ account }) } },
    assets: [sandbox.asset],
    development: { hosts: sandbox.hosts },
  })
  return {
    sandbox,
    bursar,
    close: async () => {
      await bursar.close()
      await sandbox.stop()
    },
  }
}
