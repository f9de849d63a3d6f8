import { BursarError } from '@bursar/core'
import { DatabaseError } from 'pg'

/**
 * The codes of errors that end the connection, such as a shutdown or a transaction idle for too
 * long.
 */
const lostCodes: ReadonlySet<string> = new Set([
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '25P03',
  '25P04',
])

/** The codes of passing errors of connecting, such as a server that starts or has no free slot. */
const temporaryCodes: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03', '53300'])

/**
 * The codes of conflicts in which the server undoes this transaction: serialization failure,
 * deadlock.
 */
const conflictCodes: ReadonlySet<string> = new Set(['40001', '40P01'])

const LOCK_NOT_AVAILABLE = '55P03'
const READ_ONLY = '25006'
const NUMBER_OUT_OF_RANGE = '22003'
const CONSTRAINT_CLASS = '23'
const CONNECTION_CLASS = '08'

/** Returns the SQLSTATE of a server's error, or undefined if the error is not the server's. */
function errorSqlState(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined
}

/** Checks whether the connection is gone, with its open transaction or with a commit's answer. */
export function isConnectionLostError(error: unknown): boolean {
  if (BursarError.isInstance(error)) return false
  const code = errorSqlState(error)
  return code === undefined || lostCodes.has(code) || code.startsWith(CONNECTION_CLASS)
}

/** Checks whether another attempt to connect may succeed in a moment. */
export function isTemporaryError(error: unknown): boolean {
  if (BursarError.isInstance(error)) return false
  const code = errorSqlState(error)
  return code === undefined || temporaryCodes.has(code) || code.startsWith(CONNECTION_CLASS)
}

/** Checks whether the same transaction may succeed if it runs again. */
export function isConflictError(error: unknown): boolean {
  return conflictCodes.has(errorSqlState(error) ?? '')
}

/** Returns the error for callers of a read or a write that changed nothing, with its cause. */
export function storeError(error: unknown, target: string): BursarError {
  if (BursarError.isInstance(error)) return error
  const cause = { cause: error }
  const code = errorSqlState(error) ?? ''
  const text = errorText(error)
  if (code === LOCK_NOT_AVAILABLE) {
    const message = `The store ${target} is locked by another connection; nothing was changed.`
    return new BursarError('store_locked', message, cause)
  }
  if (code === READ_ONLY) {
    const message = `The store ${target} cannot be written: ${text}.`
    return new BursarError('store_readonly', message, cause)
  }
  if (code.startsWith(CONSTRAINT_CLASS) || code === NUMBER_OUT_OF_RANGE) {
    const message = `A change broke an invariant of the store ${target}; nothing of it was written: ${text}.`
    return new BursarError('invariant_broken', message, cause)
  }
  if (isConnectionLostError(error)) {
    const message = `The store ${target} cannot be reached; nothing was changed: ${text}.`
    return new BursarError('store_unavailable', message, cause)
  }
  const message = `The store ${target} could not be read or written; nothing was changed: ${text}.`
  return new BursarError('store_failed', message, cause)
}

/** Returns the error of a change whose rows no statement can be made of. Nothing of it was sent. */
export function unwritableError(error: unknown): BursarError {
  if (BursarError.isInstance(error)) return error
  const message = `A change has rows that cannot be written; nothing of it was: ${errorText(error)}.`
  return new BursarError('invariant_broken', message, { cause: error })
}

/** Returns the error of a commit whose answer was lost, if the database could not be asked again. */
export function unknownOutcomeError(error: unknown, target: string): BursarError {
  const message =
    `The connection to the store ${target} was lost while it committed, and could not be made again: ` +
    `it is not known whether the change was written. ${errorText(error)}.`
  return new BursarError('store_failed', message, { cause: error })
}

/** Returns the error of a call after `close`. */
export function closedError(target: string): BursarError {
  return new BursarError('store_closed', `The store ${target} is closed.`)
}

/** Returns the error of a database that cannot be used. No message of `pg` has the password in it. */
export function openError(error: unknown, target: string, user: string): BursarError {
  if (BursarError.isInstance(error)) return error
  const reason = openErrorReason(error, user)
  const code = errorSqlState(error) === READ_ONLY ? 'store_readonly' : 'store_unavailable'
  return new BursarError(code, `The store ${target} cannot be opened: ${reason}`, { cause: error })
}

function openErrorReason(error: unknown, user: string): string {
  const text = errorText(error)
  switch (errorSqlState(error)) {
    case '28P01':
    case '28000':
      return `the server refuses the user ${user}: ${text}.`
    case '3D000':
      return `${text}. Create it first.`
    case '42501':
      return `the user ${user} may not use or create what it needs: ${text}.`
    case undefined:
      return `the server cannot be reached: ${text}.`
    default:
      return `${text}.`
  }
}

/** Returns the message of an error. A host with several addresses fails with one error for each. */
function errorText(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(errorText).join('; ')
  return error instanceof Error ? error.message : String(error)
}
