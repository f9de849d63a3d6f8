import {
  type SealedVault,
  type SealedVaultOptions,
  sealedVault,
} from '../src/vault/sealed-vault.ts'
import type { VaultChanges } from '../src/vault/vault-changes.ts'

/** A vault with the methods that change it. No ledger records the changes. */
export type ChangeableVault = SealedVault & VaultChanges

/** Opens a vault for tests that are not about the audit records of its changes. */
export function changeableVault(options: SealedVaultOptions): ChangeableVault {
  const vault = sealedVault(options)
  return { ...vault, ...vault.recordedBy({ recordSecretChanges: async () => {} }) }
}
