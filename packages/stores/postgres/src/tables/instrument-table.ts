import type { RegisteredInstrument } from '@bursar/core'
import type { Client } from 'pg'
import { executeStatement, type Row, type Statement, type Write } from '../database/statement.ts'
import { escapeNulText, unescapeNulText } from './escape-nul-text.ts'
import { writeRows } from './row-columns.ts'

const instrumentRead: Statement = {
  name: 'read_instruments',
  text: 'SELECT handle, end_user, registered_at FROM instruments WHERE handle = ANY ($1::text[])',
}

const instrumentWrite: Statement = {
  name: 'write_instruments',
  text: `INSERT INTO instruments (handle, end_user, registered_at)
  SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
  ON CONFLICT (handle) DO UPDATE SET end_user = excluded.end_user,
    registered_at = excluded.registered_at`,
}

/** Reads registered instruments by their handles. */
export async function readInstruments(
  client: Client,
  handles: ReadonlySet<string>,
): Promise<readonly RegisteredInstrument[]> {
  if (handles.size === 0) return []
  const rows = await executeStatement(client, instrumentRead, [[...handles].map(escapeNulText)])
  return rows.map(parseInstrument)
}

/** Returns the statement that writes registered instruments. */
export function writeInstruments(instruments: readonly RegisteredInstrument[]): readonly Write[] {
  return writeRows(
    instrumentWrite,
    instruments.map(({ handle, endUser, registeredAt }) => [
      escapeNulText(handle),
      escapeNulText(endUser),
      registeredAt,
    ]),
  )
}

function parseInstrument(row: Row): RegisteredInstrument {
  return {
    handle: unescapeNulText(row.handle as string),
    endUser: unescapeNulText(row.end_user as string),
    registeredAt: Number(row.registered_at),
  }
}
