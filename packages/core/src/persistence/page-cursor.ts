import { MAX_PAGE, type Page, type PageRequest } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'

/** The lists of a store. A cursor of one list is refused by the others. */
export type ListName =
  | 'payments'
  | 'approvals'
  | 'sessions'
  | 'delegations'
  | 'credentials'
  | 'audit'

/** The longest cursor that is read: the longest list name and 18 digits take less. */
const MAX_CURSOR_LENGTH = 64

/** The rows that a page has room for. */
export interface PageBounds {
  /** The key of the row before the page; `0n` for the first page. */
  readonly after: bigint
  /** The most rows that the page may have, from 1 to `MAX_PAGE`. */
  readonly limit: number
}

/**
 * Returns the bounds of a requested page.
 *
 * Throws `invalid_input` if the limit is not a whole number above zero, or if the cursor does not
 * belong to the list.
 *
 * @example
 * ```ts
 * import type { AuditRecord, Page, PageRequest } from '@bursar/core'
 * import { pageBounds, pageOf } from '@bursar/core/store'
 *
 * export function auditPage(records: readonly AuditRecord[], request: PageRequest): Page<AuditRecord> {
 *   const { after, limit } = pageBounds('audit', request)
 *   const found = records.slice(Number(after), Number(after) + limit)
 *   const rows = found.map((record) => ({ pk: BigInt(record.seq), value: record }))
 *   return pageOf('audit', rows)
 * }
 * ```
 */
export function pageBounds(list: ListName, { after, limit = MAX_PAGE }: PageRequest): PageBounds {
  if (!Number.isInteger(limit) || limit < 1) {
    const message = `${list}: limit: must be a whole number above zero, not ${String(limit)}.`
    throw new BursarError('invalid_input', message)
  }
  return {
    after: after === undefined ? 0n : readCursor(list, after),
    limit: Math.min(limit, MAX_PAGE),
  }
}

/**
 * Returns a page of rows. Its cursor leads behind the last row; an empty page has no cursor.
 *
 * `pk` is the row's key, from 1 to 18 digits, which grows with every insert.
 *
 * @example
 * ```ts
 * import type { Page, Payment } from '@bursar/core'
 * import { pageOf } from '@bursar/core/store'
 *
 * export function paymentsPage(rows: readonly { pk: bigint; value: Payment }[]): Page<Payment> {
 *   return pageOf('payments', rows)
 * }
 * ```
 */
export function pageOf<Value>(
  list: ListName,
  rows: readonly { readonly pk: bigint; readonly value: Value }[],
): Page<Value> {
  const last = rows.at(-1)
  return {
    rows: rows.map(({ value }) => value),
    ...(last ? { cursor: writeCursor(list, last.pk) } : {}),
  }
}

function writeCursor(list: ListName, pk: bigint): string {
  return Buffer.from(`${list}:${pk}`).toString('base64url')
}

function readCursor(list: ListName, cursor: string): bigint {
  const isShort = typeof cursor === 'string' && cursor.length <= MAX_CURSOR_LENGTH
  const text = isShort ? Buffer.from(cursor, 'base64url').toString() : ''
  const pk = BigInt(/:([1-9][0-9]{0,17})$/.exec(text)?.[1] ?? 0)
  if (pk > 0n && writeCursor(list, pk) === cursor) return pk
  throw new BursarError('invalid_input', `${list}: after: is not a cursor of this list.`)
}
