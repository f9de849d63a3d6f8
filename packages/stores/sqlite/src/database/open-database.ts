import { closeSync, existsSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { BursarError } from '@bursar/core'
import { type Database, rollBackDatabase, wrapDatabase } from './database.ts'
import { APPLICATION_ID, migrations, SCHEMA_VERSION } from './schema.ts'
import {
  isBusyError,
  isCannotOpenError,
  isNotDatabaseError,
  isReadOnlyError,
  lockedError,
} from './store-error.ts'

/** The name of a database in memory, which is gone when its store is closed. */
const IN_MEMORY = ':memory:'

/**
 * The time that opening waits for another connection's lock, blocking the process: long enough for a
 * connection that creates or checkpoints the file, short enough for an error at start.
 */
const OPEN_BUSY_MS = 1_000

/**
 * Pages of the write-ahead log, 16 MB, after which a commit moves them into the file. A hot page is in
 * the log many times, and is moved once: so four times SQLite's own number, which is still fast to move.
 */
const CHECKPOINT_PAGES = 4_000

/** The mode of a new file: only its owner reads and writes it. */
const OWNER_ONLY = 0o600

/** The pause between two attempts to open. */
const OPEN_RETRY_MS = 10

/**
 * Opens a file, migrates its schema, and checks that the file can be written.
 *
 * Throws `store_unavailable`, `store_readonly`, `store_locked` or `store_schema_newer` if it cannot.
 */
export function openDatabase(path: string): Database {
  const file = path === IN_MEMORY ? path : resolve(path)
  let database: Database | undefined
  try {
    database = connectDatabase(file)
    const opened = database
    retryOpenWhileBusy(() => prepareDatabase(opened, file))
    return opened
  } catch (error) {
    database?.close()
    throw openError(error, file)
  }
}

function connectDatabase(file: string): Database {
  const sqlite = process.getBuiltinModule('node:sqlite')
  if (!sqlite) {
    const message = 'This Node.js has no node:sqlite. Use Node.js 22.13 or newer.'
    throw new BursarError('store_unavailable', message)
  }
  if (file !== IN_MEMORY) createPrivateDatabase(file)
  return wrapDatabase(new sqlite.DatabaseSync(file))
}

/** Creates a missing file with a mode of its own, which SQLite copies to the files beside it. */
function createPrivateDatabase(file: string): void {
  try {
    closeSync(openSync(file, 'ax', OWNER_ONLY))
  } catch {
    // If the file exists, it stays. If it could not be created, opening it throws SQLite's own error.
  }
}

function prepareDatabase(database: Database, file: string): void {
  readDatabaseVersion(database, file)
  // The journal mode is kept in the file: another application's file is not changed before this point.
  const mode = String(database.statement('PRAGMA journal_mode = WAL').get()?.journal_mode)
  if (mode !== 'wal' && file !== IN_MEMORY) {
    const message = `The store ${file} cannot use a write-ahead log here (journal mode ${mode}).`
    throw new BursarError('store_unavailable', message)
  }
  // A commit is on the disk before it resolves, on macOS as well.
  database.exec(`PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA busy_timeout = 0;
    PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  database.exec('BEGIN IMMEDIATE')
  try {
    migrateDatabase(database, file)
    database.exec('COMMIT')
  } catch (error) {
    rollBackDatabase(database)
    throw error
  }
}

/**
 * Returns the version of the file's schema, or 0 for a new file.
 *
 * Throws `store_unavailable` if the file is another application's, `store_schema_newer` if a newer
 * version of this package has migrated it.
 */
function readDatabaseVersion(database: Database, file: string): number {
  const version = Number(database.statement('PRAGMA user_version').get()?.user_version)
  const application = Number(database.statement('PRAGMA application_id').get()?.application_id)
  const tables = Number(database.statement('SELECT count(*) AS n FROM sqlite_schema').get()?.n)
  if (application !== APPLICATION_ID && (application !== 0 || version !== 0 || tables > 0)) {
    throw new BursarError('store_unavailable', `${file} is another application's database.`)
  }
  if (version > SCHEMA_VERSION) {
    const message =
      `The store ${file} has schema version ${version}; this version of @bursar/store-sqlite ` +
      `knows ${SCHEMA_VERSION}. Update the package.`
    throw new BursarError('store_schema_newer', message)
  }
  return version
}

/**
 * Migrates the schema, under the write lock.
 *
 * Reads the version again there: another process may have migrated meanwhile. Writes the version in
 * any case, because SQLite opens a read-only file and refuses only the first write.
 */
function migrateDatabase(database: Database, file: string): void {
  for (const migration of migrations.slice(readDatabaseVersion(database, file)))
    database.exec(migration)
  database.exec(
    `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`,
  )
}

/** Tries again until another connection gives its lock back, blocking: opening is synchronous. */
function retryOpenWhileBusy(attempt: () => void): void {
  const until = performance.now() + OPEN_BUSY_MS
  for (;;) {
    try {
      attempt()
      return
    } catch (error) {
      if (!isBusyError(error) || performance.now() >= until) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, OPEN_RETRY_MS)
    }
  }
}

function openError(error: unknown, file: string): BursarError {
  if (BursarError.isInstance(error)) return error
  if (isBusyError(error)) return lockedError(file, error)
  const cause = { cause: error }
  if (isReadOnlyError(error)) {
    const message = `The store ${file} is read-only. It has to be writable, and so has its directory.`
    return new BursarError('store_readonly', message, cause)
  }
  if (isNotDatabaseError(error)) {
    return new BursarError('store_unavailable', `${file} is not a SQLite database.`, cause)
  }
  const text = error instanceof Error ? error.message : String(error)
  const reason = isCannotOpenError(error) ? openFailureReason(file) : `${text}.`
  return new BursarError(
    'store_unavailable',
    `The store ${file} cannot be opened: ${reason}`,
    cause,
  )
}

function openFailureReason(file: string): string {
  const directory = dirname(file)
  if (!existsSync(directory)) return `the directory ${directory} does not exist.`
  if (existsSync(file) && statSync(file).isDirectory()) return 'it is a directory.'
  return `this process may not read and write it, or may not create files in ${directory}.`
}
