import { BursarError, MAX_PAGE, type Page, type PageRequest } from '@bursar/core'

/** What a cursor is about: one of `payments` is of no use for `sessions`. */
export type CursorKind =
  | 'payments'
  | 'approvals'
  | 'sessions'
  | 'delegations'
  | 'credentials'
  | 'audit'

/** No cursor is longer; what is cannot be ours. */
const MAX_CURSOR_LENGTH = 64

/** Where a page begins and how many rows it may have. */
export interface PageBounds {
  /** The key of the row before the first one. */
  readonly after: bigint
  readonly limit: number
}

/** Validates a request for a page; `invalid_input` names the field. */
export function pageBounds(kind: CursorKind, page: PageRequest): PageBounds {
  const { after, limit = MAX_PAGE } = page
  if (!Number.isInteger(limit) || limit < 1) {
    const message = `${kind}: limit: must be a whole number above zero, not ${String(limit)}.`
    throw new BursarError('invalid_input', message)
  }
  return {
    after: after === undefined ? 0n : readCursor(kind, after),
    limit: Math.min(limit, MAX_PAGE),
  }
}

/** A page of rows. Its cursor leads behind the last one, where later rows will be. */
export function pageOf<Found extends { readonly pk: bigint }, Noun>(
  kind: CursorKind,
  found: readonly Found[],
  noun: (row: Found) => Noun,
): Page<Noun> {
  const last = found.at(-1)
  return { rows: found.map(noun), ...(last ? { cursor: writeCursor(kind, last.pk) } : {}) }
}

function writeCursor(kind: CursorKind, pk: bigint): string {
  return Buffer.from(`${kind}:${pk}`).toString('base64url')
}

function readCursor(kind: CursorKind, cursor: string): bigint {
  const short = typeof cursor === 'string' && cursor.length <= MAX_CURSOR_LENGTH
  const text = short ? Buffer.from(cursor, 'base64url').toString() : ''
  const pk = BigInt(/:([1-9][0-9]{0,17})$/.exec(text)?.[1] ?? 0)
  if (writeCursor(kind, pk) === cursor) return pk
  throw new BursarError('invalid_input', `${kind}: after: is not a cursor of this list.`)
}
