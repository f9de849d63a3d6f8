import { rmSync } from 'node:fs'
import { type Bursar, createBursar } from '@bursar/core'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { account, assets, development, folder, networks, path, sandbox } from './sandbox.ts'

/** The guard of the recipes. */
// #region guard
export const bursar: Bursar = createBursar({
  store: sqliteStore({ path }),
  rails: [x402({ networks })],
  instruments: { 'alice-wallet': { endUser: 'alice', wallet: viemWallet({ account }) } },
  assets, // besides USDC, which is known
  development, // hosts that may be http and local
})
// #endregion

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
