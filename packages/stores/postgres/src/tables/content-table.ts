import type { Content } from '@bursar/core'
import type { Client } from 'pg'
import { executeStatement, type Statement, type Write } from '../database/statement.ts'
import { escapeNulText } from './escape-nul-text.ts'
import { transposeRows } from './row-columns.ts'

const contentRead: Statement = {
  name: 'read_content',
  text: `SELECT c.status, c.headers, c.body, c.truncated FROM payments p
    JOIN contents c ON c.payment = p.pk WHERE p.id = $1`,
}

/**
 * The statement that inserts contents. All bodies are one value, because an array would send bytes as text of
 * twice the size.
 */
const contentWrite: Statement = {
  name: 'write_contents',
  text: `INSERT INTO contents (payment, status, headers, body, truncated)
  SELECT u.payment, u.status, u.headers,
    substring($7::bytea FROM u.start FOR u.length), u.truncated
  FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::boolean[], $5::integer[], $6::integer[])
    AS u (payment, status, headers, truncated, start, length)
  ON CONFLICT (payment) DO UPDATE SET status = excluded.status, headers = excluded.headers,
    body = excluded.body, truncated = excluded.truncated`,
}

/**
 * The size in bytes after which a statement takes no further body, so that no message grows large.
 */
const MAX_STATEMENT_BYTES = 1_048_576

/** Reads the content of a payment. Returns undefined if none is kept. */
export async function readContent(client: Client, payment: string): Promise<Content | undefined> {
  const [row] = await executeStatement(client, contentRead, [escapeNulText(payment)])
  return (
    row && {
      payment,
      status: Number(row.status),
      headers: JSON.parse(row.headers as string) as Content['headers'],
      body: row.body as Uint8Array,
      truncated: row.truncated as boolean,
    }
  )
}

/** Returns the statements that write contents, as many as their bodies need. */
export function writeContents(
  contents: Iterable<Content>,
  findPaymentKey: (id: string) => string,
): readonly Write[] {
  const writes: Write[] = []
  let rows: unknown[][] = []
  let bodies: Uint8Array[] = []
  let length = 0
  const endStatement = (): void => {
    if (rows.length > 0) {
      const values = [...transposeRows(rows), Buffer.concat(bodies)]
      writes.push({ statement: contentWrite, values })
    }
    rows = []
    bodies = []
    length = 0
  }
  for (const { payment, status, headers, body, truncated } of contents) {
    const place = [length + 1, body.byteLength]
    rows.push([findPaymentKey(payment), status, JSON.stringify(headers), truncated, ...place])
    bodies.push(body)
    length += body.byteLength
    if (length >= MAX_STATEMENT_BYTES) endStatement()
  }
  endStatement()
  return writes
}
