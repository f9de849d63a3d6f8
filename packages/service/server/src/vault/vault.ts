import type { Wallet } from '@bursar/core'
import type { SecretSource } from './secret-source.ts'
import { type VaultWalletOptions, vaultWallet } from './vault-wallet.ts'

/**
 * Secrets that wallets sign with. There is no way to read one through it: it makes wallets, and
 * these open a secret for one signature of the guard, and forget it.
 */
export interface Vault {
  /**
   * A wallet that opens its secret for each signature. Each opening is an audit record, and durable
   * before it. Throws `invalid_input`.
   */
  wallet(options: VaultWalletOptions): Wallet
}

/** The vault over a source of secrets. */
export function vaultOver(source: SecretSource): Vault {
  return { wallet: (options) => vaultWallet(source, options) }
}
