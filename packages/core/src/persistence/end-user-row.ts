import { type EndUserAccount, endUserAccountId } from '../ledger/end-user-account.ts'
import type { Usage } from '../money/limits.ts'
import { type LimitsJson, limitsJson, parseLimits } from './limits-json.ts'
import { assertSameFields } from './row-fields.ts'

/** The account of an end user as a row. */
export interface EndUserRow {
  readonly endUser: string
  /** The total of the limits, in micro-units. */
  readonly totalMicro: bigint
  readonly usage: Usage
  /** The time at which the account was created, in milliseconds since the epoch. */
  readonly createdAt: number
  /** The limits that have no column of their own, as the JSON that `endUserJson` writes. */
  readonly json: string
}

/**
 * Returns the JSON of an end user's limits, all but their total.
 *
 * @example
 * ```ts
 * import type { EndUserAccount } from '@bursar/core'
 * import { endUserJson } from '@bursar/core/store'
 *
 * export function columnsOfLimits(account: EndUserAccount): [total: bigint, json: string] {
 *   return [account.limits.totalMicro, endUserJson(account)]
 * }
 * ```
 */
export function endUserJson({ limits }: EndUserAccount): string {
  return JSON.stringify(limitsJson(limits))
}

/**
 * Checks whether two versions of an account have the same JSON, so that it need not be written.
 *
 * @example
 * ```ts
 * import type { EndUserAccount } from '@bursar/core'
 * import { hasSameEndUserJson, endUserJson } from '@bursar/core/store'
 *
 * export function changedJson(stored: EndUserAccount, next: EndUserAccount): string | undefined {
 *   return hasSameEndUserJson(stored, next) ? undefined : endUserJson(next)
 * }
 * ```
 */
export function hasSameEndUserJson(stored: EndUserAccount, next: EndUserAccount): boolean {
  return stored.limits === next.limits
}

/**
 * Returns the account of a row.
 *
 * @example
 * ```ts
 * import type { EndUserAccount } from '@bursar/core'
 * import { parseEndUserRow, type EndUserRow } from '@bursar/core/store'
 *
 * export function readAll(rows: readonly EndUserRow[]): readonly EndUserAccount[] {
 *   return rows.map(parseEndUserRow)
 * }
 * ```
 */
export function parseEndUserRow({ json, totalMicro, ...columns }: EndUserRow): EndUserAccount {
  return {
    ...columns,
    id: endUserAccountId(columns.endUser),
    limits: parseLimits(JSON.parse(json) as LimitsJson, totalMicro),
  }
}

/**
 * Throws `invariant_broken` if a field differs that an account keeps for life.
 *
 * @example
 * ```ts
 * import type { EndUserAccount } from '@bursar/core'
 * import { assertSameEndUser } from '@bursar/core/store'
 *
 * export function replace(table: Map<string, EndUserAccount>, next: EndUserAccount): void {
 *   const stored = table.get(next.id)
 *   if (stored) assertSameEndUser(stored, next)
 *   table.set(next.id, next)
 * }
 * ```
 */
export function assertSameEndUser(stored: EndUserAccount, next: EndUserAccount): void {
  assertSameFields(`account ${next.id}`, stored, next, ['createdAt'])
}
