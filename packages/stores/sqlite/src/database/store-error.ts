import { BursarError } from '@bursar/core'

/** The primary result codes of SQLite. */
const SQLITE_PERM = 3
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_READONLY = 8
const SQLITE_CANTOPEN = 14
const SQLITE_CONSTRAINT = 19
const SQLITE_NOTADB = 26

/** The low byte of an extended result code is the primary one. */
const PRIMARY_MASK = 0xff

/** Returns SQLite's primary result code, or undefined if the error is not SQLite's. */
function errorResultCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  return typeof code === 'number' ? code & PRIMARY_MASK : undefined
}

/** Checks whether another connection has the lock, so that a later attempt may succeed. */
export function isBusyError(error: unknown): boolean {
  const code = errorResultCode(error)
  return code === SQLITE_BUSY || code === SQLITE_LOCKED
}

/** Checks whether the file or its directory cannot be opened. */
export function isCannotOpenError(error: unknown): boolean {
  const code = errorResultCode(error)
  return code === SQLITE_CANTOPEN || code === SQLITE_PERM
}

/** Checks whether the file is not a SQLite database. */
export function isNotDatabaseError(error: unknown): boolean {
  return errorResultCode(error) === SQLITE_NOTADB
}

/** Checks whether the file can be read, but not written. */
export function isReadOnlyError(error: unknown): boolean {
  return errorResultCode(error) === SQLITE_READONLY
}

/** Returns the error for callers of a read or a write, with its cause. */
export function storeError(error: unknown, path: string): BursarError {
  if (BursarError.isInstance(error)) return error
  const cause = { cause: error }
  const text = error instanceof Error ? error.message : String(error)
  if (isBusyError(error)) return lockedError(path, error)
  if (isReadOnlyError(error)) {
    return new BursarError('store_readonly', `The store ${path} cannot be written: ${text}.`, cause)
  }
  if (errorResultCode(error) === SQLITE_CONSTRAINT) {
    const message = `A change broke an invariant of the store ${path}; nothing of it was written: ${text}.`
    return new BursarError('invariant_broken', message, cause)
  }
  const message = `The store ${path} could not be read or written; nothing was changed: ${text}.`
  return new BursarError('store_failed', message, cause)
}

/** Returns the error of a lock that another connection did not give back in time. */
export function lockedError(path: string, cause: unknown): BursarError {
  const message = `The store ${path} is locked by another connection. Close it, and try again.`
  return new BursarError('store_locked', message, { cause })
}

/** Returns the error of a call after `close`. */
export function closedError(path: string): BursarError {
  return new BursarError('store_closed', `The store ${path} is closed.`)
}
