import { BursarError } from '@bursar/core'
import { DatabaseError } from 'pg'

/** Errors that end the connection: a shutdown, a restart, a session that idled in a transaction. */
const lostCodes: ReadonlySet<string> = new Set([
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '25P03',
  '25P04',
])

/** Refusals of a connection that may be over in a moment: starting up, too many connections. */
const passingCodes: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03', '53300'])

/** Conflicts in which the server has chosen this transaction to be undone. */
const conflictCodes: ReadonlySet<string> = new Set(['40001', '40P01'])

const LOCK_NOT_AVAILABLE = '55P03'
const READ_ONLY = '25006'
const NUMBER_OUT_OF_RANGE = '22003'
const CONSTRAINT_CLASS = '23'
const CONNECTION_CLASS = '08'

/** The SQLSTATE of a server's error, or `undefined` where it is not the server's. */
function codeOf(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined
}

/** True where the connection is gone: with it went an open transaction, or a commit's answer. */
export function isLost(error: unknown): boolean {
  if (BursarError.isInstance(error)) return false
  const code = codeOf(error)
  return code === undefined || lostCodes.has(code) || code.startsWith(CONNECTION_CLASS)
}

/** True where a connection was not to be had, and may be in a moment. */
export function isPassing(error: unknown): boolean {
  if (BursarError.isInstance(error)) return false
  const code = codeOf(error)
  return code === undefined || passingCodes.has(code) || code.startsWith(CONNECTION_CLASS)
}

/** True where the same transaction, run again, may succeed. */
export function isConflict(error: unknown): boolean {
  return conflictCodes.has(codeOf(error) ?? '')
}

/** What callers get for an error of a read or a write that changed nothing; the cause is kept. */
export function storeError(error: unknown, target: string): BursarError {
  if (BursarError.isInstance(error)) return error
  const cause = { cause: error }
  const code = codeOf(error) ?? ''
  const text = textOf(error)
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
  if (isLost(error)) {
    const message = `The store ${target} cannot be reached; nothing was changed: ${text}.`
    return new BursarError('store_unavailable', message, cause)
  }
  const message = `The store ${target} could not be read or written; nothing was changed: ${text}.`
  return new BursarError('store_failed', message, cause)
}

/** Where a change has rows that no statement can be made of; nothing of it was sent. */
export function unwritable(error: unknown): BursarError {
  if (BursarError.isInstance(error)) return error
  const message = `A change has rows that cannot be written; nothing of it was: ${textOf(error)}.`
  return new BursarError('invariant_broken', message, { cause: error })
}

/** The connection was lost with the answer, and the database could not be asked again. */
export function unknownOutcome(error: unknown, target: string): BursarError {
  const message =
    `The connection to the store ${target} was lost while it committed, and could not be made again: ` +
    `it is not known whether the change was written. ${textOf(error)}.`
  return new BursarError('store_failed', message, { cause: error })
}

/** The store was closed before the call. */
export function closedError(target: string): BursarError {
  return new BursarError('store_closed', `The store ${target} is closed.`)
}

/** Where the database cannot be used at all. What `pg` says never has the password in it. */
export function openError(error: unknown, target: string, user: string): BursarError {
  if (BursarError.isInstance(error)) return error
  const reason = whyNotOpened(error, user)
  const code = codeOf(error) === READ_ONLY ? 'store_readonly' : 'store_unavailable'
  return new BursarError(code, `The store ${target} cannot be opened: ${reason}`, { cause: error })
}

function whyNotOpened(error: unknown, user: string): string {
  const text = textOf(error)
  switch (codeOf(error)) {
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

/** A failed connection to several addresses has its reasons inside. */
function textOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(textOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
