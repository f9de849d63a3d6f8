import { BursarError, type Permissions, type Wallet } from '@bursar/core'
import type { SecretSource } from './secret-source.ts'
import { type VaultFundingLinkOptions, vaultFundingLink } from './vault-funding-link.ts'
import { type VaultPermissionsOptions, vaultPermissions } from './vault-permissions.ts'
import { type VaultWalletOptions, vaultWallet } from './vault-wallet.ts'

/**
 * Secrets that reach wallets. There is no way to read one through it: it makes the parts of an
 * instrument, and these open a secret for one request of the guard, and forget it. Each opening is an
 * audit record, and durable before it.
 */
export interface Vault {
  /** A wallet that opens its secret for each signature. Throws `invalid_input`. */
  wallet(options: VaultWalletOptions): Wallet
  /**
   * The provider's permissions, which open their secret for each request about a delegation. Throws
   * `invalid_input`.
   */
  permissions(options: VaultPermissionsOptions): Permissions
  /** What makes links to pay in by, and opens its secret for each. Throws `invalid_input`. */
  fundingLink(options: VaultFundingLinkOptions): (address: string) => Promise<string>
}

/** The vault over a source of secrets. */
export function createVault(source: SecretSource): Vault {
  return {
    wallet(options) {
      assertSecretOptions('wallet', options)
      return vaultWallet(source, options)
    },
    permissions(options) {
      assertSecretOptions('permissions', options)
      return vaultPermissions(source, options)
    },
    fundingLink(options) {
      assertSecretOptions('fundingLink', options)
      return vaultFundingLink(source, options)
    },
  }
}

/** Throws `invalid_input` if the options name no secret, or have no function for what it opens. */
function assertSecretOptions<Part extends keyof Vault>(
  part: Part,
  options: { readonly secret: unknown } & Readonly<Record<Part, unknown>>,
): void {
  const { secret, [part]: make } = options
  if (typeof secret !== 'string' || secret === '') {
    throw new BursarError('invalid_input', `vault.${part}: secret: must be its name.`)
  }
  if (typeof make !== 'function') {
    throw new BursarError('invalid_input', `vault.${part}: ${part}: must be a function.`)
  }
}
