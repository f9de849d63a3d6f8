import type { Denial, KeyRecord } from '@bursar/core'
import type { Client } from 'pg'
import { executeStatement, type Row, type Statement, type Write } from '../database/statement.ts'
import { escapeNulText, unescapeNulText } from './escape-nul-text.ts'
import type { ParentKeys } from './parent-keys.ts'
import { writeRows } from './row-columns.ts'

/** An idempotency key within a session. */
export interface KeyName {
  readonly session: string
  readonly key: string
}

/** Joins the rows of the keys of `u`, one by one: a plain join might read all keys of a session. */
export const keyJoin = `JOIN accounts a ON a.id = u.session CROSS JOIN LATERAL (
  SELECT * FROM keys WHERE keys.session = a.pk AND keys.key = u.key LIMIT 1) AS k`

/** Joins the payments that hold the keys of `u` themselves. */
export const ownKeyJoin = `JOIN accounts a ON a.id = u.session CROSS JOIN LATERAL (
  SELECT * FROM payments WHERE payments.session = a.pk AND payments.key = u.key LIMIT 1) AS p`

/**
 * A key that was refused before its payment held it has a row, too. The refusals no longer count
 * then, so the payment's row comes last and is the one that is kept.
 */
const keyRead: Statement = {
  name: 'read_keys',
  text: `SELECT a.id AS session_id, k.key, k.request_hash, k.refusals, k.last_refusal,
    (SELECT p.id FROM payments p WHERE p.pk = k.payment) AS payment_id, false AS is_own
  FROM unnest($1::text[], $2::text[]) AS u (session, key) ${keyJoin}
  UNION ALL SELECT a.id, p.key, p.request_hash, 0, NULL, p.id, true
  FROM unnest($1::text[], $2::text[]) AS u (session, key) ${ownKeyJoin}
  ORDER BY is_own`,
}

const keyWrite: Statement = {
  name: 'write_keys',
  text: `INSERT INTO keys (session, key, request_hash, payment, refusals, last_refusal)
  SELECT coalesce(u.session, (SELECT pk FROM accounts WHERE id = u.session_id)), u.key,
    u.request_hash, u.payment, u.refusals, u.last_refusal
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::integer[],
    $7::text[]) AS u (session, session_id, key, request_hash, payment, refusals, last_refusal)
  ON CONFLICT (session, key) DO UPDATE SET request_hash = excluded.request_hash,
    payment = excluded.payment, refusals = excluded.refusals, last_refusal = excluded.last_refusal`,
}

/** Reads the records of idempotency keys. Of two records of one key, the later one counts. */
export async function readKeys(
  client: Client,
  names: readonly KeyName[],
): Promise<readonly KeyRecord[]> {
  if (names.length === 0) return []
  const rows = await executeStatement(client, keyRead, [
    names.map(({ session }) => escapeNulText(session)),
    names.map(({ key }) => escapeNulText(key)),
  ])
  return rows.map(parseKey)
}

/** Returns the statement that writes records of idempotency keys. */
export function writeKeys(records: readonly KeyRecord[], parents: ParentKeys): readonly Write[] {
  return writeRows(
    keyWrite,
    records.map(({ session, key, requestHash, payment, refusals, lastRefusal }) => [
      ...parents.session(session),
      escapeNulText(key),
      escapeNulText(requestHash),
      payment === undefined ? null : parents.payment(payment),
      refusals,
      lastRefusal === undefined ? null : JSON.stringify(lastRefusal),
    ]),
  )
}

function parseKey(row: Row): KeyRecord {
  const { payment_id: payment, last_refusal: refusal } = row
  return {
    session: unescapeNulText(row.session_id as string),
    key: unescapeNulText(row.key as string),
    requestHash: unescapeNulText(row.request_hash as string),
    ...(payment === null ? {} : { payment: unescapeNulText(payment as string) }),
    refusals: Number(row.refusals),
    ...(refusal === null ? {} : { lastRefusal: JSON.parse(refusal as string) as Denial }),
  }
}
