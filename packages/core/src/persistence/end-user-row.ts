import { type EndUserAccount, endUserAccountId } from '../ledger/end-user-account.ts'
import type { Usage } from '../money/limits.ts'
import { type LimitsText, limitsFromText, limitsText } from '../money/limits-json.ts'
import { assertSameFields } from './row-fields.ts'

/** The account of an end user as a row. */
export interface EndUserRow {
  readonly endUser: string
  /** The total of the limits, in micro-units. */
  readonly totalMicro: bigint
  readonly usage: Usage
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** The other limits, as `endUserJson` writes them. */
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
  return JSON.stringify(limitsText(limits))
}

/** Checks whether two versions of an account have the same JSON, so that it need not be written. */
export function hasSameEndUserJson(stored: EndUserAccount, next: EndUserAccount): boolean {
  return stored.limits === next.limits
}

/** Returns the account of a row. */
export function parseEndUserRow({ json, totalMicro, ...columns }: EndUserRow): EndUserAccount {
  return {
    ...columns,
    id: endUserAccountId(columns.endUser),
    limits: limitsFromText(JSON.parse(json) as LimitsText, totalMicro),
  }
}

/** Throws `invariant_broken` if a field differs that an account keeps for life. */
export function assertSameEndUser(stored: EndUserAccount, next: EndUserAccount): void {
  assertSameFields(`account ${next.id}`, stored, next, ['createdAt'])
}
