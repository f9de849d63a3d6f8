import type { Delegation } from '../ledger/delegation.ts'
import type { Usage } from '../money/limits.ts'
import { type LimitsJson, limitsJson, parseLimits } from './limits-json.ts'
import { assertSameFields, hasSameFields, omitNullFields, pickFields } from './row-fields.ts'

/** A delegation as a row: what is searched for or often written in columns, the rest as JSON. */
export interface DelegationRow {
  readonly id: string
  readonly endUser: string
  /** The total of the limits, in micro-units. */
  readonly totalMicro: bigint
  readonly usage: Usage
  /** The time of the grant, in milliseconds since the epoch, like the times below. */
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt: number | null
  /** The other fields, as `delegationJson` writes them. */
  readonly json: string
}

const jsonFields = [
  'agent',
  'name',
  'instrument',
  'merchants',
  'ask',
  'consent',
  'permission',
] as const

type DelegationJson = Pick<Delegation, (typeof jsonFields)[number]> & {
  readonly limits: LimitsJson
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
  const limits = limitsJson(delegation.limits)
  return JSON.stringify({ ...pickFields(delegation, jsonFields), limits })
}

/**
 * Checks whether two versions of a delegation have the same JSON, so that it need not be written.
 *
 * @example
 * ```ts
 * import type { Delegation } from '@bursar/core'
 * import { hasSameDelegationJson, delegationJson } from '@bursar/core/store'
 *
 * export function changedJson(stored: Delegation, next: Delegation): string | undefined {
 *   return hasSameDelegationJson(stored, next) ? undefined : delegationJson(next)
 * }
 * ```
 */
export function hasSameDelegationJson(stored: Delegation, next: Delegation): boolean {
  return hasSameFields(stored, next, ['limits', ...jsonFields])
}

/**
 * Returns the delegation of a row.
 *
 * @example
 * ```ts
 * import type { Delegation } from '@bursar/core'
 * import { parseDelegationRow, type DelegationRow } from '@bursar/core/store'
 *
 * export function readAll(rows: readonly DelegationRow[]): readonly Delegation[] {
 *   return rows.map(parseDelegationRow)
 * }
 * ```
 */
export function parseDelegationRow({ json, totalMicro, ...columns }: DelegationRow): Delegation {
  const { limits, ...terms } = JSON.parse(json) as DelegationJson
  return {
    ...omitNullFields(columns),
    ...pickFields(terms, jsonFields),
    limits: parseLimits(limits, totalMicro),
  }
}

/**
 * Throws `invariant_broken` if a field differs that a delegation keeps for life.
 *
 * @example
 * ```ts
 * import type { Delegation } from '@bursar/core'
 * import { assertSameDelegation } from '@bursar/core/store'
 *
 * export function replace(table: Map<string, Delegation>, next: Delegation): void {
 *   const stored = table.get(next.id)
 *   if (stored) assertSameDelegation(stored, next)
 *   table.set(next.id, next)
 * }
 * ```
 */
export function assertSameDelegation(stored: Delegation, next: Delegation): void {
  assertSameFields(`delegation ${next.id}`, stored, next, ['endUser', 'name', 'createdAt'])
}
