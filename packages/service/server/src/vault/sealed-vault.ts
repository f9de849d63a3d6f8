import { BursarError } from '@bursar/core'
import { postgresStorage } from './postgres-storage.ts'
import { openVersion } from './sealed-version.ts'
import { findSecretProblems, type SecretProblem } from './secret-problem.ts'
import type { SecretSource } from './secret-source.ts'
import { type SecretSummary, summarizeSecret } from './secret-summary.ts'
import { sqliteStorage } from './sqlite-storage.ts'
import { createVault, type Vault } from './vault.ts'
import { type ChangeLedger, createVaultChanges, type VaultChanges } from './vault-changes.ts'
import { findEntry, findValidVersions, readNewestDocument } from './vault-document.ts'
import type { VaultStorage } from './vault-storage.ts'
import type { WrappingKey } from './wrapping-key.ts'

/** What `sealedVault` takes. */
export interface SealedVaultOptions {
  /**
   * Where what is sealed lives: a file of its own, relative to the configuration's folder, or a
   * `postgres://` URL, which may be the ledger's.
   */
  readonly database: string
  /** The first one wraps; the others can still unwrap, until `rewrap` has made them needless. */
  readonly keys: readonly WrappingKey[]
}

/** Secrets that are sealed by ourselves. They can be put, listed, rotated and removed, and not read. */
export interface SealedVault extends Vault {
  /** What there is, by name. */
  list(): Promise<readonly SecretSummary[]>
  /**
   * What would keep its secrets from being opened now: no version that is good, or a wrapping key that
   * is not there. Opens none, and asks no service that keeps keys.
   */
  problems(): Promise<readonly SecretProblem[]>
  /**
   * The vault to be changed. The ledger records each change, durably, before it is made; where it
   * cannot, nothing is changed.
   *
   * @example
   * await vault.recordedBy(bursar.administration).put('cdp', value)
   */
  recordedBy(ledger: ChangeLedger): VaultChanges
}

/**
 * A vault of secrets that are sealed with AES-256-GCM, each version with a data key of its own, which
 * a wrapping key wraps; all bound to name, version and purpose. Nothing is read before it is needed.
 *
 * Its calls throw `invalid_input`, `vault_unavailable`, `vault_unreadable`, `secret_unreadable`,
 * `wrapping_key_unavailable` or `wrapping_key_missing`; its wallets answer `wallet_unavailable`.
 *
 * @example
 * const vault = sealedVault({ database: 'bursar.vault', keys: [localKey({ path: 'bursar.key' })] })
 */
export function sealedVault(options: SealedVaultOptions): SealedVault {
  const { database, keys } = options
  const storage = openVaultStorage(database)
  const [wrapping] = Array.isArray(keys) ? (keys as readonly WrappingKey[]) : []
  if (!wrapping) throw new BursarError('invalid_input', 'sealedVault: keys: must have one.')
  return {
    ...createVault(createSource(storage, keys)),
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

/** What wallets open: the newest document, each time. */
function createSource(storage: VaultStorage, keys: readonly WrappingKey[]): SecretSource {
  return {
    async versions(secret) {
      const { document } = await readNewestDocument(storage)
      const entry = findEntry(document, secret)
      return findValidVersions(entry, Date.now()).map((version) => ({
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
