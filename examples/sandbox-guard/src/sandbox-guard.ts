import { type Bursar, createBursar, type OpenWalletOptions } from '@bursar/core'
import { type Sandbox, startSandbox } from '@bursar/sandbox'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { privateKeyToAccount } from 'viem/accounts'

/** A paid world on this machine, and what a wallet in it is made of. */
export interface SandboxGuard {
  readonly sandbox: Sandbox
  /** The parts of `openWallet` that are the sandbox's. For real money they are yours. */
  readonly parts: Pick<OpenWalletOptions, 'store' | 'rail' | 'wallet' | 'assets' | 'development'>
  /** The owner's guard over the same ledger: reads, answers and stops. It has no wallet, and pays nothing. */
  readonly bursar: Bursar
  /** Ends the guards, and then the world that they paid in. */
  close(): Promise<void>
}

/** Starts the examples' world: a wallet with ten test dollars, and a ledger in memory. */
export async function startSandboxGuard(): Promise<SandboxGuard> {
  const sandbox = await startSandbox()
  const { privateKey } = await sandbox.createAccount('10.00')
  const rail = x402({ networks: { [sandbox.network]: { rpcUrl: sandbox.rpcUrl } } })
  const parts = {
    store: sqliteStore({ path: ':memory:' }),
    assets: [sandbox.asset],
    development: { hosts: sandbox.hosts },
  }
  const bursar = createBursar({ ...parts, rails: [rail] })
  return {
    sandbox,
    parts: { ...parts, rail, wallet: viemWallet({ account: privateKeyToAccount(privateKey) }) },
    bursar,
    close: async () => {
      await bursar.close()
      await sandbox.stop()
    },
  }
}
