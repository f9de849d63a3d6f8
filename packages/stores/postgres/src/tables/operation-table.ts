import type { Operation } from '@bursar/core'
import { parseOperationRow, serviceRow } from '@bursar/core/store'
import type { Client } from 'pg'
import { executeStatement, type Row, type Statement, type Write } from '../database/statement.ts'
import { escapeNulText, unescapeNulText } from './escape-nul-text.ts'
import { writeRows } from './row-columns.ts'

const operationRead: Statement = {
  name: 'read_operations',
  text: 'SELECT id, body FROM operations WHERE id = ANY ($1::text[])',
}

const operationWrite: Statement = {
  name: 'write_operations',
  text: `INSERT INTO operations (id, body) SELECT * FROM unnest($1::text[], $2::text[])
  ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
}

/** Reads operations by their ids. */
export async function readOperations(
  client: Client,
  ids: ReadonlySet<string>,
): Promise<readonly Operation[]> {
  if (ids.size === 0) return []
  const rows = await executeStatement(client, operationRead, [[...ids].map(escapeNulText)])
  return rows.map(parseOperation)
}

/** Returns the statement that writes operations. */
export function writeOperations(operations: readonly Operation[]): readonly Write[] {
  const rows = operations.map(serviceRow)
  return writeRows(
    operationWrite,
    rows.map(({ id, json }) => [escapeNulText(id), json]),
  )
}

function parseOperation(row: Row): Operation {
  return parseOperationRow({ id: unescapeNulText(row.id as string), json: row.body as string })
}
