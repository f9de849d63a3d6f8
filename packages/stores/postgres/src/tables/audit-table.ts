import type { AuditRecord } from '@bursar/core'
import type { PageBounds } from '@bursar/core/store'
import type { Client } from 'pg'
import { executeStatement, type Row, type Statement, type Write } from '../database/statement.ts'
import { packedText, packTexts } from './packed-texts.ts'

/** The last audit record of the chain. */
export interface ChainEnd {
  /** The sequence number of the newest record, or 0 if there is none. */
  readonly seq: number
  /** The time of the newest record, in milliseconds since the epoch. */
  readonly at: number
  readonly hash: string
}

/** The head of the audit chain. Every transaction that writes locks its row first. */
export interface Head extends ChainEnd {
  /** The version of the schema. */
  readonly version: number
  /** The key of the newest payment: the transaction that holds the head numbers the next ones. */
  readonly payments: number
}

const headLock: Statement = {
  name: 'lock_head',
  text: 'SELECT version, seq, at, hash, payments FROM installation FOR NO KEY UPDATE',
}

/** A statement of its own, behind the lock: a time that is read while waiting for it is too old. */
const clockRead: Statement = {
  name: 'read_clock',
  text: 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now',
}

const recordAppend: Statement = {
  name: 'append_audit',
  text: `WITH head AS (UPDATE installation SET seq = $7, at = $8, hash = $9, payments = $10)
  INSERT INTO audit (seq, at, body, hash)
  SELECT u.seq, u.at, ${packedText('$6')}, u.hash
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::integer[], $5::integer[])
    AS u (seq, at, hash, start, length)`,
}

const recordRead: Statement = {
  name: 'read_audit',
  text: 'SELECT seq, at, body, hash FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2',
}

const recordSearch: Statement = {
  name: 'find_record',
  text: 'SELECT 1 FROM audit WHERE seq = $1 AND hash = $2',
}

/** Locks the head until the transaction ends, and returns it. */
export async function lockAuditHead(client: Client): Promise<Head> {
  const [row = {}] = await executeStatement(client, headLock, [])
  return {
    version: Number(row.version),
    seq: Number(row.seq),
    at: Number(row.at),
    hash: row.hash as string,
    payments: Number(row.payments),
  }
}

/** Returns the database's time, in milliseconds since the epoch. */
export async function readAuditClock(client: Client): Promise<number> {
  const [row] = await executeStatement(client, clockRead, [])
  return Number(row?.now)
}

/** Reads a page of audit records, each with its position as its key. */
export async function readAuditRecords(
  client: Client,
  { after, limit }: PageBounds,
): Promise<readonly { readonly pk: bigint; readonly value: AuditRecord }[]> {
  const rows = await executeStatement(client, recordRead, [after, limit])
  return rows.map((row) => ({ pk: BigInt(row.seq as string), value: parseAuditRecord(row) }))
}

/** Checks whether a record is in the chain, and so the commit that wrote it. */
export async function hasAuditRecord(
  client: Client,
  { seq, hash }: Pick<AuditRecord, 'seq' | 'hash'>,
): Promise<boolean> {
  const rows = await executeStatement(client, recordSearch, [seq, hash])
  return rows.length > 0
}

/** Returns the statement that appends records and moves the head to the last of them. */
export function appendAuditRecords(
  records: readonly AuditRecord[],
  newestPayment: number,
): readonly Write[] {
  const last = records.at(-1)
  if (!last) return []
  const values = [
    records.map(({ seq }) => seq),
    records.map(({ at }) => at),
    records.map(({ hash }) => hash),
    ...packTexts(records.map(({ body }) => body)),
    last.seq,
    last.at,
    last.hash,
    newestPayment,
  ]
  return [{ statement: recordAppend, values }]
}

function parseAuditRecord(row: Row): AuditRecord {
  return {
    seq: Number(row.seq),
    at: Number(row.at),
    body: row.body as string,
    hash: row.hash as string,
  }
}
