import type { Asset } from '@bursar/core'
import type { LanguageModel } from 'ai'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'

// #region base
/** The wallet that the agent spends from. It has to hold USDC on Base; it needs no ether. */
export const account: PrivateKeyAccount = privateKeyToAccount(
  variable('WALLET_KEY') as `0x${string}`,
)

/** An endpoint that you trust: it is believed in what it says about the chain. */
export const networks: Record<'eip155:8453', { readonly rpcUrl: string }> = {
  'eip155:8453': { rpcUrl: variable('BASE_RPC_URL') },
}

/** USDC on Base is known already. */
export const assets: readonly Asset[] = []

/** The options for development: undefined here, because every merchant is reached over https. */
export const development: undefined = undefined

/** The ledger, the audit trail, and what was bought. Keep this file. */
export const path = 'bursar.db'

/** A resource that costs money: an https URL that answers with x402. */
export const resource: string = variable('RESOURCE_URL')

/** A model of the AI SDK: its name, or a model that a provider's package makes. */
export const model: LanguageModel = variable('MODEL')

function variable(name: string): string {
  const value = process.env[name]
  if (value) return value
  throw new Error(`Set ${name} in the environment.`)
}
// #endregion
