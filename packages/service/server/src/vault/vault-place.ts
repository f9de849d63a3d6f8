import { BursarError } from '@bursar/core'
import { postgresPlace } from './postgres-place.ts'
import { sqlitePlace } from './sqlite-place.ts'

/**
 * Where the document with everything that is sealed lives. Each use opens and closes what it needs,
 * so that nothing has to be closed, and the newest document is read by every process at once.
 * Throws `vault_unavailable`.
 */
export interface VaultPlace {
  /** The newest document; `undefined` where none was ever written, and empty where it is too long. */
  read(): Promise<StoredDocument | undefined>
  /**
   * Writes the document that follows a revision, 0 for the first one: durably, and whole or not at
   * all. False where another writer came first.
   */
  write(text: string, revision: number): Promise<boolean>
}

/** A document, and how many were written before it. */
export interface StoredDocument {
  readonly text: string
  readonly revision: number
}

/** A SQLite file for the servers of one machine, a PostgreSQL database for those of many. */
export function vaultPlace(database: string): VaultPlace {
  if (typeof database !== 'string' || database === '' || database.includes('\0')) {
    const rule = 'must be the path of a file, or begin with postgres://'
    throw new BursarError('invalid_input', `sealedVault: database: ${rule}.`)
  }
  return /^postgres(ql)?:\/\//.test(database) ? postgresPlace(database) : sqlitePlace(database)
}
