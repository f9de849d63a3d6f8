import type { AuditRecord } from '@bursar/core'
import type { Row, Statement } from '../database/statement.ts'
import { joinedText, joinedTexts } from './joined-texts.ts'

/** Where the chain of audit records stands. Its row is locked first, and by everybody who writes. */
export interface Head {
  /** Version of the schema. */
  readonly version: number
  readonly seq: number
  readonly at: number
  readonly hash: string
  /** The key of the newest payment: whoever holds the head numbers them. */
  readonly payments: number
}

export const lockHead: Statement = {
  name: 'lock_head',
  text: 'SELECT version, seq, at, hash, payments FROM installation FOR NO KEY UPDATE',
}

/** A statement of its own, after the locks: what is read while waiting for one is too old. */
export const readClock: Statement = {
  name: 'read_clock',
  text: 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now',
}

/** Appends records, the last of which becomes the head. */
export const appendAudit: Statement = {
  name: 'append_audit',
  text: `WITH head AS (UPDATE installation SET seq = $7, at = $8, hash = $9, payments = $10)
  INSERT INTO audit (seq, at, body, hash)
  SELECT u.seq, u.at, ${joinedText('$6')}, u.hash
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::integer[], $5::integer[])
    AS u (seq, at, hash, start, length)`,
}

export const readAudit: Statement = {
  name: 'read_audit',
  text: 'SELECT seq, at, body, hash FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2',
}

/** Whether a record is in the chain: what a commit without an answer came to. */
export const findRecord: Statement = {
  name: 'find_record',
  text: 'SELECT 1 FROM audit WHERE seq = $1 AND hash = $2',
}

export function headOf(row: Row): Head {
  return {
    version: Number(row.version),
    seq: Number(row.seq),
    at: Number(row.at),
    hash: row.hash as string,
    payments: Number(row.payments),
  }
}

export function recordOf(row: Row): AuditRecord {
  return {
    seq: Number(row.seq),
    at: Number(row.at),
    body: row.body as string,
    hash: row.hash as string,
  }
}

/** The values of `appendAudit`. */
export function appendedRecords(
  records: readonly AuditRecord[],
  last: AuditRecord,
  payments: number,
): unknown[] {
  return [
    records.map(({ seq }) => seq),
    records.map(({ at }) => at),
    records.map(({ hash }) => hash),
    ...joinedTexts(records.map(({ body }) => body)),
    last.seq,
    last.at,
    last.hash,
    payments,
  ]
}
