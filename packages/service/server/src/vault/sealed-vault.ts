import { BursarError } from '@bursar/core'
import { postgresStorage } from './postgres-storage.ts'
import { openVersion } from './sealed-version.ts'
import { findSecretProblems, type SecretProblem } from './secret-problem.ts'
import type { SecretSource } from './secret-source.ts'
import { type SecretSummary, summarizeSecret } from './secret-summary.ts'
import { sqliteStorage } from './sqlite-storage.ts'
import { createVault, type Vault } from './vault.ts'
import { type ChangeLedger, createVaultChanges, type VaultChanges } from './vault-changes.ts'
import { findDocumentEntry, findDocumentVersions, readNewestDocument } from './vault-document.ts'
import type { VaultStorage } from './vault-storage.ts'
import type { WrappingKey } from './wrapping-key.ts'

/** The options of `sealedVault`. */
export interface SealedVaultOptions {
  /**
   * The database of the sealed secrets: a SQLite file of its own, relative to the configuration's
   * folder, or a `postgres://` URL, which may be the ledger's.
   */
  readonly database: string
  /**
   * The wrapping keys. The first one wraps new data keys; the others unwrap what they wrapped before,
   * until `rewrap` has wrapped that with the first one.
   */
  readonly keys: readonly WrappingKey[]
}

/** A vault that seals its secrets itself. Secrets can be put, listed, rotated and removed, but not read. */
export interface SealedVault extends Vault {
  /** Lists the secrets, sorted by name, without their values. */
  list(): Promise<readonly SecretSummary[]>
  /**
   * Finds the reasons why secrets could not be opened now: no valid version, or a missing wrapping
   * key. Opens no secret and calls no key service.
   */
  problems(): Promise<readonly SecretProblem[]>
  /**
   * Returns the methods that change the vault. The ledger records each change durably before it is
   * made. If the ledger cannot record a change, the vault stays as it is.
   *
   * @example
   * ```ts
   * import type { Bursar } from '@bursar/core'
   * import type { SealedVault } from 'bursar'
   *
   * declare const vault: SealedVault
   * declare const bursar: Bursar
   * declare const value: Buffer
   * await vault.recordedBy(bursar.administration).put('cdp', value)
   * ```
   */
  recordedBy(ledger: ChangeLedger): VaultChanges
}

/**
 * Creates a vault whose secrets are sealed with AES-256-GCM. Each version has its own data key, which
 * a wrapping key wraps; both are bound to the name, version and purpose of the secret. The database
 * is opened at the first use.
 *
 * Throws `invalid_input` if an option is not valid. Its methods throw `invalid_input`,
 * `vault_unavailable`, `vault_unreadable`, `secret_unreadable`, `wrapping_key_unavailable` or
 * `wrapping_key_missing`. Its wallets throw none of these and answer `wallet_unavailable`.
 *
 * @example
 * ```ts
 * import { localKey, sealedVault } from 'bursar'
 *
 * const keys = [localKey({ path: 'bursar.key' })]
 * export const vault = sealedVault({ database: 'bursar.vault', keys })
 * ```
 */
export function sealedVault(options: SealedVaultOptions): SealedVault {
  const { database, keys } = options
  const storage = openVaultStorage(database)
  const [wrapping] = Array.isArray(keys) ? (keys as readonly WrappingKey[]) : []
  if (!wrapping) throw new BursarError('invalid_input', 'sealedVault: keys: must have one.')
  return {
    ...createVault(createSealedSource(storage, keys)),
    async list() {
      const { document } = await readNewestDocument(storage)
      const present = document.filter(({ versions }) => versions.length > 0)
      return present.map(summarizeSecret).sort((left, right) => (left.name < right.name ? -1 : 1))
    },
    async problems() {
      const { document } = await readNewestDocument(storage)
      return findSecretProblems(document, keys, Date.now())
    },
    recordedBy: (ledger) => createVaultChanges({ storage, keys, wrapping, ledger }),
  }
}

/** Creates the source that wallets open secrets from. It reads the newest document for each request. */
function createSealedSource(storage: VaultStorage, keys: readonly WrappingKey[]): SecretSource {
  return {
    async versions(secret) {
      const { document } = await readNewestDocument(storage)
      const entry = findDocumentEntry(document, secret)
      return findDocumentVersions(entry, Date.now()).map((version) => ({
        version: `${version.version}`,
        open: () => openVersion(keys, entry, version),
      }))
    },
  }
}

/**
 * Opens the storage of a database: a SQLite file for the servers of one machine, or the `postgres://`
 * URL of a database for those of many. Throws `invalid_input` if it is neither.
 */
export function openVaultStorage(database: string): VaultStorage {
  if (typeof database !== 'string' || database === '' || database.includes('\0')) {
    const rule = 'must be the path of a file, or begin with postgres://'
    throw new BursarError('invalid_input', `sealedVault: database: ${rule}.`)
  }
  return /^postgres(ql)?:\/\//.test(database) ? postgresStorage(database) : sqliteStorage(database)
}
