import type { Approval, ApprovalState } from '../ledger/approval.ts'
import { assertSameFields, omitNullFields, pickFields } from './row-fields.ts'

/** An approval as a row: what is searched for in columns, the rest as JSON. */
export interface ApprovalRow {
  readonly id: string
  readonly session: string
  readonly root: string
  readonly endUser: string
  readonly state: ApprovalState
  readonly termsHash: string
  /** The idempotency key of the call that asked; `null` if it had none. */
  readonly key: string | null
  /** The other fields, as `approvalJson` writes them. */
  readonly json: string
}

const jsonFields = [
  'delegation',
  'card',
  'reason',
  'createdAt',
  'expiresAt',
  'decidedAt',
  'payment',
] as const

/**
 * Returns the JSON of the fields of an approval that have no column of their own.
 *
 * @example
 * ```ts
 * import type { Approval } from '@bursar/core'
 * import { approvalJson } from '@bursar/core/store'
 *
 * export function columnsOfState(approval: Approval): [state: string, json: string] {
 *   return [approval.state, approvalJson(approval)]
 * }
 * ```
 */
export function approvalJson(approval: Approval): string {
  return JSON.stringify(pickFields(approval, jsonFields))
}

/**
 * Returns the approval of a row.
 *
 * @example
 * ```ts
 * import type { Approval } from '@bursar/core'
 * import { parseApprovalRow, type ApprovalRow } from '@bursar/core/store'
 *
 * export function readAll(rows: readonly ApprovalRow[]): readonly Approval[] {
 *   return rows.map(parseApprovalRow)
 * }
 * ```
 */
export function parseApprovalRow({ json, ...columns }: ApprovalRow): Approval {
  const fields = JSON.parse(json) as Pick<Approval, (typeof jsonFields)[number]>
  return { ...omitNullFields(columns), ...pickFields(fields, jsonFields) }
}

/**
 * Throws `invariant_broken` if a field differs that an approval keeps for life.
 *
 * @example
 * ```ts
 * import type { Approval } from '@bursar/core'
 * import { assertSameApproval } from '@bursar/core/store'
 *
 * export function replace(table: Map<string, Approval>, next: Approval): void {
 *   const stored = table.get(next.id)
 *   if (stored) assertSameApproval(stored, next)
 *   table.set(next.id, next)
 * }
 * ```
 */
export function assertSameApproval(stored: Approval, next: Approval): void {
  const fixed = ['session', 'root', 'endUser', 'termsHash', 'key'] as const
  assertSameFields(`approval ${next.id}`, stored, next, fixed)
}
