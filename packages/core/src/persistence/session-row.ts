import type { Session } from '../ledger/session.ts'
import type { Usage } from '../money/limits.ts'
import { type LimitsJson, limitsJson, parseLimits } from './limits-json.ts'
import { assertSameFields, hasSameFields, omitNullFields, pickFields } from './row-fields.ts'

/** A session as a row: what is searched for or often written in columns, the rest as JSON. */
export interface SessionRow {
  readonly id: string
  readonly delegation: string
  /** `null` for a session that was not opened from another one. */
  readonly parent: string | null
  /** The total of the limits, in micro-units. */
  readonly totalMicro: bigint
  readonly usage: Usage
  /** The time of creation, in milliseconds since the epoch, like the times below. */
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt: number | null
  readonly closedAt: number | null
  readonly lockedAt: number | null
  /** The other fields, as `sessionJson` writes them. */
  readonly json: string
}

const jsonFields = [
  'name',
  'payer',
  'tokenHash',
  'furtherTokenHashes',
  'merchants',
  'ask',
  'repeatAfterMs',
] as const

type SessionJson = Pick<Session, (typeof jsonFields)[number]> & { readonly limits: LimitsJson }

/**
 * Returns the JSON of the fields of a session that have no column of their own.
 *
 * @example
 * ```ts
 * import type { Session } from '@bursar/core'
 * import { sessionJson } from '@bursar/core/store'
 *
 * export function columnsOfTerms(session: Session): [total: bigint, json: string] {
 *   return [session.limits.totalMicro, sessionJson(session)]
 * }
 * ```
 */
export function sessionJson(session: Session): string {
  return JSON.stringify({ ...pickFields(session, jsonFields), limits: limitsJson(session.limits) })
}

/**
 * Checks whether two versions of a session have the same JSON, so that it need not be written.
 *
 * @example
 * ```ts
 * import type { Session } from '@bursar/core'
 * import { hasSameSessionJson, sessionJson } from '@bursar/core/store'
 *
 * export function changedJson(stored: Session, next: Session): string | undefined {
 *   return hasSameSessionJson(stored, next) ? undefined : sessionJson(next)
 * }
 * ```
 */
export function hasSameSessionJson(stored: Session, next: Session): boolean {
  return hasSameFields(stored, next, ['limits', ...jsonFields])
}

/**
 * Returns the session of a row.
 *
 * @example
 * ```ts
 * import type { Session } from '@bursar/core'
 * import { parseSessionRow, type SessionRow } from '@bursar/core/store'
 *
 * export function readAll(rows: readonly SessionRow[]): readonly Session[] {
 *   return rows.map(parseSessionRow)
 * }
 * ```
 */
export function parseSessionRow({ json, totalMicro, ...columns }: SessionRow): Session {
  const { limits, ...terms } = JSON.parse(json) as SessionJson
  return {
    ...omitNullFields(columns),
    ...pickFields(terms, jsonFields),
    limits: parseLimits(limits, totalMicro),
  }
}

/**
 * Throws `invariant_broken` if a field differs that a session keeps for life.
 *
 * @example
 * ```ts
 * import type { Session } from '@bursar/core'
 * import { assertSameSession } from '@bursar/core/store'
 *
 * export function replace(table: Map<string, Session>, next: Session): void {
 *   const stored = table.get(next.id)
 *   if (stored) assertSameSession(stored, next)
 *   table.set(next.id, next)
 * }
 * ```
 */
export function assertSameSession(stored: Session, next: Session): void {
  const fixed = ['delegation', 'name', 'parent', 'payer', 'createdAt'] as const
  assertSameFields(`session ${next.id}`, stored, next, fixed)
}
