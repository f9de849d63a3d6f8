import type { Credential } from '../ledger/credential.ts'
import type { Operation } from '../ledger/operation.ts'

/** A credential or an operation as a row: its id, and all other fields as JSON. */
export interface ServiceRow {
  readonly id: string
  readonly json: string
}

/**
 * Returns the row of a credential or of an operation.
 *
 * @example
 * ```ts
 * import type { Credential } from '@bursar/core'
 * import { serviceRow } from '@bursar/core/store'
 *
 * export function columnsOf(credential: Credential): [id: string, json: string] {
 *   const { id, json } = serviceRow(credential)
 *   return [id, json]
 * }
 * ```
 */
export function serviceRow({ id, ...fields }: Credential | Operation): ServiceRow {
  return { id, json: JSON.stringify(fields) }
}

/**
 * Returns the credential of a row.
 *
 * @example
 * ```ts
 * import type { Credential } from '@bursar/core'
 * import { parseCredentialRow, type ServiceRow } from '@bursar/core/store'
 *
 * export function readAll(rows: readonly ServiceRow[]): readonly Credential[] {
 *   return rows.map(parseCredentialRow)
 * }
 * ```
 */
export function parseCredentialRow({ id, json }: ServiceRow): Credential {
  return { ...(JSON.parse(json) as Omit<Credential, 'id'>), id }
}

/**
 * Returns the operation of a row.
 *
 * @example
 * ```ts
 * import type { Operation } from '@bursar/core'
 * import { parseOperationRow, type ServiceRow } from '@bursar/core/store'
 *
 * export function readAll(rows: readonly ServiceRow[]): readonly Operation[] {
 *   return rows.map(parseOperationRow)
 * }
 * ```
 */
export function parseOperationRow({ id, json }: ServiceRow): Operation {
  return { ...(JSON.parse(json) as Omit<Operation, 'id'>), id }
}
