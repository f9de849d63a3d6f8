import { closeSync, existsSync, openSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { BursarError } from '@bursar/core'
import { resolveConfigPath } from './config-path.ts'
import { MAX_DOCUMENT_BYTES } from './vault-document.ts'
import type { VaultStorage } from './vault-storage.ts'

/** The longest wait for another process that is writing. A write takes some milliseconds. */
const BUSY_MS = 2_000

/** The mode of a new file: only its owner reads and writes it. */
const OWNER_ONLY = 0o600

/** The application id of a vault file. It differs from a ledger's and from other applications'. */
const APPLICATION_ID = 0x42_75_56_61

/** A full sync makes each write durable; secure_delete overwrites removed secrets with zeros. */
const SETTINGS = `PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
  PRAGMA secure_delete = ON`

const SCHEMA = `CREATE TABLE IF NOT EXISTS vault (
    id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, document TEXT NOT NULL
  ) STRICT; PRAGMA application_id = ${APPLICATION_ID}`

/** Reads the document; a document over the limit stays out of memory and reads as an empty text. */
const NEWEST = `SELECT revision, iif(octet_length(document) <= ${MAX_DOCUMENT_BYTES}, document, '')
  AS document FROM vault`

/** Creates the storage in a SQLite file of its own. */
export function sqliteStorage(path: string): VaultStorage {
  const file = resolveConfigPath(path)
  return {
    async read() {
      if (!existsSync(file)) return undefined
      return withSqliteDatabase(file, (database) => {
        const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()
        if (Number(tables?.n) === 0) return undefined
        const row = database.prepare(NEWEST).get()
        return row && { revision: Number(row.revision), text: String(row.document) }
      })
    },
    async write(text, revision) {
      createPrivateSqliteFile(file)
      return withSqliteDatabase(file, (database) => {
        database.exec(`BEGIN IMMEDIATE; ${SCHEMA}`)
        const newest = database.prepare('SELECT revision FROM vault').get()
        const isNext = Number(newest?.revision ?? 0) === revision
        if (isNext) {
          database
            .prepare('INSERT OR REPLACE INTO vault (id, revision, document) VALUES (1, ?, ?)')
            .run(revision + 1, text)
        }
        database.exec('COMMIT')
        return isNext
      })
    },
  }
}

function withSqliteDatabase<Result>(file: string, use: (database: DatabaseSync) => Result): Result {
  let database: DatabaseSync | undefined
  try {
    const sqlite = process.getBuiltinModule('node:sqlite')
    database = new sqlite.DatabaseSync(file)
    // Set the timeout before the first read, because another process may be writing.
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`)
    assertSqliteVaultFile(database)
    database.exec(SETTINGS)
    return use(database)
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : 'it failed'
    throw new BursarError('vault_unavailable', `vault: ${file}: ${text}.`, { cause })
  } finally {
    // Closing rolls back a transaction that is still open.
    database?.close()
  }
}

/** Throws if the file is a ledger or belongs to another application. */
function assertSqliteVaultFile(database: DatabaseSync): void {
  const application = Number(database.prepare('PRAGMA application_id').get()?.application_id)
  const tables = Number(database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n)
  if (application === APPLICATION_ID || (application === 0 && tables === 0)) return
  throw new Error('it is another database. Give the vault a file of its own')
}

function createPrivateSqliteFile(file: string): void {
  try {
    closeSync(openSync(file, 'ax', OWNER_ONLY))
  } catch {
    // The file exists already, or SQLite reports the problem when it opens the file.
  }
}
