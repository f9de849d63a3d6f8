import type { Content, Denial, KeyRecord, KnownMerchant, RegisteredInstrument } from '@bursar/core'
import type { Row, Statement } from '../database/statement.ts'
import type { AccountKey } from './account-table.ts'
import { originalText, plainText } from './escape-nul-text.ts'
import { columnsOf } from './row-columns.ts'

/** The keys of `u`, each by itself: joined, all keys of a session might be read for one of them. */
export const joinKeys = `JOIN accounts a ON a.id = u.session CROSS JOIN LATERAL (
  SELECT * FROM keys WHERE keys.session = a.pk AND keys.key = u.key LIMIT 1) AS k`

/** The payments that the keys of `u` are pinned to, and are their own. */
export const joinOwnKeys = `JOIN accounts a ON a.id = u.session CROSS JOIN LATERAL (
  SELECT * FROM payments WHERE payments.session = a.pk AND payments.key = u.key LIMIT 1) AS p`

/**
 * The rows that are read by their own key, and written whole. What a key was refused before it was pinned
 * to its own payment is past then: such a row comes last.
 */
export const readKeys: Statement = {
  name: 'read_keys',
  text: `SELECT a.id AS session_id, k.key, k.request_hash, k.refusals, k.last_refusal,
    (SELECT p.id FROM payments p WHERE p.pk = k.payment) AS payment_id, false AS is_own
  FROM unnest($1::text[], $2::text[]) AS u (session, key) ${joinKeys}
  UNION ALL SELECT a.id, p.key, p.request_hash, 0, NULL, p.id, true
  FROM unnest($1::text[], $2::text[]) AS u (session, key) ${joinOwnKeys}
  ORDER BY is_own`,
}

export const writeKeys: Statement = {
  name: 'write_keys',
  text: `INSERT INTO keys (session, key, request_hash, payment, refusals, last_refusal)
  SELECT coalesce(u.session, (SELECT pk FROM accounts WHERE id = u.session_id)), u.key,
    u.request_hash, u.payment, u.refusals, u.last_refusal
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::integer[],
    $7::text[]) AS u (session, session_id, key, request_hash, payment, refusals, last_refusal)
  ON CONFLICT (session, key) DO UPDATE SET request_hash = excluded.request_hash,
    payment = excluded.payment, refusals = excluded.refusals, last_refusal = excluded.last_refusal`,
}

/** Found by a delegation, one of its sessions, or one of its payments. */
export const readMerchants: Statement = {
  name: 'read_merchants',
  text: `SELECT d.id AS delegation_id, m.host, m.payee, m.payments
  FROM (SELECT u.host, coalesce(
      (SELECT coalesce(a.delegation, a.pk) FROM accounts a WHERE a.id = u.account),
      (SELECT p.delegation FROM payments p WHERE p.id = u.payment)) AS delegation
    FROM unnest($1::text[], $2::text[], $3::text[]) AS u (account, payment, host)) AS w
  JOIN merchants m ON m.delegation = w.delegation AND m.host = w.host
  JOIN accounts d ON d.pk = m.delegation`,
}

export const writeMerchants: Statement = {
  name: 'write_merchants',
  text: `INSERT INTO merchants (delegation, host, payee, payments)
  SELECT (SELECT pk FROM accounts WHERE id = u.delegation), u.host, u.payee, u.payments
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
    AS u (delegation, host, payee, payments)
  ON CONFLICT (delegation, host) DO UPDATE SET payee = excluded.payee,
    payments = excluded.payments`,
}

export const readInstruments: Statement = {
  name: 'read_instruments',
  text: 'SELECT handle, end_user, registered_at FROM instruments WHERE handle = ANY ($1::text[])',
}

export const writeInstruments: Statement = {
  name: 'write_instruments',
  text: `INSERT INTO instruments (handle, end_user, registered_at)
  SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
  ON CONFLICT (handle) DO UPDATE SET end_user = excluded.end_user,
    registered_at = excluded.registered_at`,
}

export const readContent: Statement = {
  name: 'read_content',
  text: `SELECT c.status, c.headers, c.body, c.truncated FROM payments p
    JOIN contents c ON c.payment = p.pk WHERE p.id = $1`,
}

/** Bodies come as one value, end to end: in an array, bytes would be sent twice as long. */
export const writeContents: Statement = {
  name: 'write_contents',
  text: `INSERT INTO contents (payment, status, headers, body, truncated)
  SELECT u.payment, u.status, u.headers,
    substring($7::bytea FROM u.start FOR u.length), u.truncated
  FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::boolean[], $5::integer[], $6::integer[])
    AS u (payment, status, headers, truncated, start, length)
  ON CONFLICT (payment) DO UPDATE SET status = excluded.status, headers = excluded.headers,
    body = excluded.body, truncated = excluded.truncated`,
}

/** Bodies that one statement writes end on or behind this: a message stays of a moderate size. */
const MAX_STATEMENT_BYTES = 1_048_576

export function keyOf(row: Row): KeyRecord {
  const { payment_id: payment, last_refusal: refusal } = row
  return {
    session: originalText(row.session_id as string),
    key: originalText(row.key as string),
    requestHash: originalText(row.request_hash as string),
    ...(payment === null ? {} : { payment: originalText(payment as string) }),
    refusals: Number(row.refusals),
    ...(refusal === null ? {} : { lastRefusal: JSON.parse(refusal as string) as Denial }),
  }
}

/** The values of `writeKeys`. */
export function writtenKeys(
  keys: readonly KeyRecord[],
  keyOfRow: { payment(id: string): string; session(id: string): AccountKey },
): unknown[][] {
  return columnsOf(
    keys.map(({ session, key, requestHash, payment, refusals, lastRefusal }) => [
      ...keyOfRow.session(session),
      plainText(key),
      plainText(requestHash),
      payment === undefined ? null : keyOfRow.payment(payment),
      refusals,
      lastRefusal === undefined ? null : JSON.stringify(lastRefusal),
    ]),
  )
}

export function merchantOf(row: Row): KnownMerchant {
  return {
    delegation: originalText(row.delegation_id as string),
    host: originalText(row.host as string),
    payee: originalText(row.payee as string),
    payments: Number(row.payments),
  }
}

/** The values of `writeMerchants`. */
export function writtenMerchants(merchants: readonly KnownMerchant[]): unknown[][] {
  return columnsOf(
    merchants.map(({ delegation, host, payee, payments }) => [
      plainText(delegation),
      plainText(host),
      plainText(payee),
      payments,
    ]),
  )
}

export function instrumentOf(row: Row): RegisteredInstrument {
  return {
    handle: originalText(row.handle as string),
    endUser: originalText(row.end_user as string),
    registeredAt: Number(row.registered_at),
  }
}

/** The values of `writeInstruments`. */
export function writtenInstruments(instruments: readonly RegisteredInstrument[]): unknown[][] {
  return columnsOf(
    instruments.map(({ handle, endUser, registeredAt }) => [
      plainText(handle),
      plainText(endUser),
      registeredAt,
    ]),
  )
}

export function contentOf(payment: string, row: Row): Content {
  return {
    payment,
    status: Number(row.status),
    headers: JSON.parse(row.headers as string) as Content['headers'],
    body: row.body as Uint8Array,
    truncated: row.truncated as boolean,
  }
}

/** The values of `writeContents`, for one statement after another. */
export function writtenContents(
  contents: Iterable<Content>,
  keyOfPayment: (id: string) => string,
): unknown[][] {
  const statements: unknown[][] = []
  let rows: unknown[][] = []
  let bodies: Uint8Array[] = []
  let length = 0
  const end = (): void => {
    if (rows.length > 0) statements.push([...columnsOf(rows), Buffer.concat(bodies)])
    rows = []
    bodies = []
    length = 0
  }
  for (const { payment, status, headers, body, truncated } of contents) {
    const place = [length + 1, body.byteLength]
    rows.push([keyOfPayment(payment), status, JSON.stringify(headers), truncated, ...place])
    bodies.push(body)
    length += body.byteLength
    if (length >= MAX_STATEMENT_BYTES) end()
  }
  end()
  return statements
}
