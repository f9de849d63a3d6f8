import { rmSync } from 'node:fs'
import { type Bursar, createBursar } from '@bursar/core'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { account, assets, development, folder, networks, sandbox } from './sandbox.ts'

/** The guard of the recipes, with a ledger that is gone with them. */
export const bursar: Bursar = createBursar({
  store: sqliteStore({ path: ':memory:' }),
  rails: [x402({ networks })],
  instruments: { 'alice-wallet': { endUser: 'alice', wallet: viemWallet({ account }) } },
  assets,
  development,
})

/** A merchant of the sandbox; its free `/catalogue` says what costs what. */
export const market: { readonly host: string; readonly url: string } = sandbox.merchants.honest

/** Has the chain prove what it can: a block is final when two more follow it. */
export async function prove(): Promise<void> {
  await sandbox.mine(2)
  await bursar.reconcile()
}

/** Ends the guard, and then the world that it paid in. */
export async function close(): Promise<void> {
  await bursar.close()
  await sandbox.stop()
  rmSync(folder, { recursive: true })
}
