import type { Credential } from '@bursar/core'
import { parseCredentialRow, serviceRow } from '@bursar/core/store'
import type { Client } from 'pg'
import { executeStatement, type Row, type Statement, type Write } from '../database/statement.ts'
import { type Entry, storedEntry } from './entry.ts'
import { escapeNulText, unescapeNulText } from './escape-nul-text.ts'
import { writeRows } from './row-columns.ts'

/** The SELECT of whole credentials, without a condition. */
export const selectCredentials = 'SELECT c.pk, c.id, c.body FROM credentials c'

const credentialRead: Statement = {
  name: 'read_credentials',
  text: `${selectCredentials} WHERE c.id = ANY ($1::text[])`,
}

const credentialWrite: Statement = {
  name: 'write_credentials',
  text: `INSERT INTO credentials (id, body) SELECT * FROM unnest($1::text[], $2::text[])
  ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
}

/** Reads credentials by their ids. */
export async function readCredentials(
  client: Client,
  ids: ReadonlySet<string>,
): Promise<readonly Entry<Credential>[]> {
  if (ids.size === 0) return []
  const rows = await executeStatement(client, credentialRead, [[...ids].map(escapeNulText)])
  return rows.map(credentialEntry)
}

/** Returns the statement that writes credentials. */
export function writeCredentials(credentials: readonly Credential[]): readonly Write[] {
  const rows = credentials.map(serviceRow)
  return writeRows(
    credentialWrite,
    rows.map(({ id, json }) => [escapeNulText(id), json]),
  )
}

/** Returns the credential of a row that `selectCredentials` reads. */
export function credentialEntry(row: Row): Entry<Credential> {
  const id = unescapeNulText(row.id as string)
  return storedEntry(row, parseCredentialRow({ id, json: row.body as string }), false)
}
