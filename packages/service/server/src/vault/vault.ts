import { BursarError, type Permissions, type Wallet } from '@bursar/core'
import type { SecretSource } from './secret-source.ts'
import { type VaultFundingLinkOptions, vaultFundingLink } from './vault-funding-link.ts'
import { type VaultPermissionsOptions, vaultPermissions } from './vault-permissions.ts'
import { type VaultWalletOptions, vaultWallet } from './vault-wallet.ts'

/**
 * A vault of secrets for wallets. It has no method that reads a secret. It creates the parts of an
 * instrument, and each part opens its secret for one request of the guard and overwrites it
 * afterwards. An audit record of each opening is durable before the secret is opened.
 */
export interface Vault {
  /** Creates a wallet that opens its secret for each signature. Throws `invalid_input`. */
  wallet(options: VaultWalletOptions): Wallet
  /**
   * Creates permissions at the wallet's provider, which open their secret for each request about a
   * delegation. Throws `invalid_input`.
   */
  permissions(options: VaultPermissionsOptions): Permissions
  /**
   * Creates a function that returns a funding page for an address, and opens its secret for each
   * call. Throws `invalid_input`.
   */
  fundingLink(options: VaultFundingLinkOptions): (address: string) => Promise<string>
}

/** Creates a vault over a source of secrets. */
export function createVault(source: SecretSource): Vault {
  return {
    wallet(options) {
      assertVaultOptions('wallet', options)
      return vaultWallet(source, options)
    },
    permissions(options) {
      assertVaultOptions('permissions', options)
      return vaultPermissions(source, options)
    },
    fundingLink(options) {
      assertVaultOptions('fundingLink', options)
      return vaultFundingLink(source, options)
    },
  }
}

/** Throws `invalid_input` if the options name no secret, or have no function for what it opens. */
function assertVaultOptions<Part extends keyof Vault>(
  part: Part,
  options: { readonly secret: unknown } & Readonly<Record<Part, unknown>>,
): void {
  const { secret, [part]: make } = options
  if (typeof secret !== 'string' || secret === '') {
    throw new BursarError('invalid_input', `vault.${part}: secret: must be the name of a secret.`)
  }
  if (typeof make !== 'function') {
    throw new BursarError('invalid_input', `vault.${part}: ${part}: must be a function.`)
  }
}
