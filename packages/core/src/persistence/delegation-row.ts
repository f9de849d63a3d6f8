import type { Delegation } from '../ledger/delegation.ts'
import type { Usage } from '../money/limits.ts'
import { type LimitsText, limitsFromText, limitsText } from '../money/limits-json.ts'
import { assertSameFields, hasSameFields, pickFields, withoutNulls } from './row-fields.ts'

/** A delegation as a row: what is searched for or often written in columns, the rest as JSON. */
export interface DelegationRow {
  readonly id: string
  readonly endUser: string
  /** The total of the limits, in micro-units. */
  readonly totalMicro: bigint
  readonly usage: Usage
  /** Milliseconds since the epoch, like the times below. */
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt: number | null
  /** The other fields, as `delegationJson` writes them. */
  readonly json: string
}

const jsonFields = ['agent', 'instrument', 'merchants', 'ask', 'consent', 'permission'] as const

type DelegationJson = Pick<Delegation, (typeof jsonFields)[number]> & {
  readonly limits: LimitsText
}

/**
 * Returns the JSON of the fields of a delegation that have no column of their own.
 *
 * @example
 * ```ts
 * import type { Delegation } from '@bursar/core'
 * import { delegationJson } from '@bursar/core/store'
 *
 * export function columnsOfTerms(delegation: Delegation): [total: bigint, json: string] {
 *   return [delegation.limits.totalMicro, delegationJson(delegation)]
 * }
 * ```
 */
export function delegationJson(delegation: Delegation): string {
  const limits = limitsText(delegation.limits)
  return JSON.stringify({ ...pickFields(delegation, jsonFields), limits })
}

/** Checks whether two versions of a delegation have the same JSON, so that it need not be written. */
export function hasSameDelegationJson(stored: Delegation, next: Delegation): boolean {
  return hasSameFields(stored, next, ['limits', ...jsonFields])
}

/** Returns the delegation of a row. */
export function parseDelegationRow({ json, totalMicro, ...columns }: DelegationRow): Delegation {
  const { limits, ...terms } = JSON.parse(json) as DelegationJson
  return {
    ...withoutNulls(columns),
    ...pickFields(terms, jsonFields),
    limits: limitsFromText(limits, totalMicro),
  }
}

/** Throws `invariant_broken` if a field differs that a delegation keeps for life. */
export function assertSameDelegation(stored: Delegation, next: Delegation): void {
  assertSameFields(`delegation ${next.id}`, stored, next, ['endUser', 'createdAt'])
}
