import type { Credential, Operation } from '@bursar/core'
import type { Row, Statement } from '../database/statement.ts'
import type { Entry } from './entry.ts'
import { originalText, plainText } from './escape-nul-text.ts'
import { columnsOf } from './row-columns.ts'

/** Reads whole keys of the service; a condition follows. */
export const selectCredentials = 'SELECT c.pk, c.id, c.body FROM credentials c'

export const readCredentials: Statement = {
  name: 'read_credentials',
  text: `${selectCredentials} WHERE c.id = ANY ($1::text[])`,
}

export const writeCredentials: Statement = {
  name: 'write_credentials',
  text: `INSERT INTO credentials (id, body) SELECT * FROM unnest($1::text[], $2::text[])
  ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
}

export const readOperations: Statement = {
  name: 'read_operations',
  text: 'SELECT id, body FROM operations WHERE id = ANY ($1::text[])',
}

export const writeOperations: Statement = {
  name: 'write_operations',
  text: 'INSERT INTO operations (id, body) SELECT * FROM unnest($1::text[], $2::text[])',
}

export function credentialEntry(row: Row): Entry<Credential> {
  const value = whole(row) as Credential
  return { pk: row.pk as string, stored: value, value, overrun: false }
}

export function operationOf(row: Row): Operation {
  return whole(row) as Operation
}

/** The values of `writeCredentials`, and of `writeOperations`. */
export function writtenBodies(rows: readonly { readonly id: string }[]): unknown[][] {
  return columnsOf(rows.map(({ id, ...body }) => [plainText(id), JSON.stringify(body)]))
}

function whole(row: Row): { readonly id: string } {
  return { id: originalText(row.id as string), ...(JSON.parse(row.body as string) as object) }
}
