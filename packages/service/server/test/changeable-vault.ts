import {
  type SealedVault,
  type SealedVaultOptions,
  sealedVault,
} from '../src/vault/sealed-vault.ts'
import type { VaultChanges } from '../src/vault/vault-changes.ts'

/** A vault that is changed without a ledger. */
export type ChangeableVault = SealedVault & VaultChanges

/** Opens a vault for tests that are not about the records of its changes. */
export function changeableVault(options: SealedVaultOptions): ChangeableVault {
  const vault = sealedVault(options)
  return { ...vault, ...vault.recordedBy({ recordSecretChanges: async () => {} }) }
}
