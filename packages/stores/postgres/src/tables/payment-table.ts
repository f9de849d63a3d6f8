import type { Payment, PaymentState } from '@bursar/core'
import {
  hasSamePaymentJson,
  parsePaymentRow,
  paymentJson,
  paymentOutcome,
} from '@bursar/core/store'
import type { Client } from 'pg'
import { executeStatement, type Row, type Statement, type Write } from '../database/statement.ts'
import { type Entry, storedEntry } from './entry.ts'
import { escapeNulText, escapeOptionalText, unescapeNulText } from './escape-nul-text.ts'
import { type KeyName, keyJoin, ownKeyJoin } from './key-table.ts'
import type { NameInDelegation } from './merchant-table.ts'
import { packedText, packTexts } from './packed-texts.ts'
import type { ParentKeys } from './parent-keys.ts'
import { numberColumnOrNull, transposeRows, writeRows } from './row-columns.ts'

/** A request within a session, by its hash. */
export interface RequestName {
  readonly session: string
  readonly requestHash: string
}

/** The keys and names by which payments are loaded. */
export interface PaymentNames {
  readonly ids: readonly string[]
  readonly keys: readonly KeyName[]
  /** The request hashes of which the delegation's latest payment is loaded. */
  readonly twins: readonly NameInDelegation[]
  /** The request hashes of which the session's own latest payment is loaded. */
  readonly ownTwins: readonly RequestName[]
}

/** The characters of a request's hash in the index: short entries, and as good as unique. */
const REQUEST_HEAD_LENGTH = 12

/** The start of a query for whole payments, to which each reader adds its joins and its condition. */
export const selectPayments = `
SELECT p.*, s.id AS session_id, d.id AS delegation_id, d.end_user, o.state, o.overrun, o.settled,
  o.proven_at, o.claim, o.evidence
  FROM payments p JOIN payment_states o ON o.payment = p.pk
  JOIN accounts s ON s.pk = p.session JOIN accounts d ON d.pk = p.delegation`

const paymentRead: Statement = {
  name: 'read_payments',
  text: `WITH found AS (
    SELECT pk FROM payments WHERE id = ANY ($1::text[])
    UNION SELECT k.payment FROM unnest($2::text[], $3::text[]) AS u (session, key) ${keyJoin}
    UNION SELECT p.pk FROM unnest($2::text[], $3::text[]) AS u (session, key) ${ownKeyJoin}
    UNION SELECT t.pk FROM unnest($4::text[], $5::text[], $6::text[]) AS u (account, payment, hash)
      CROSS JOIN LATERAL (SELECT p.pk FROM payments p
        WHERE p.delegation = coalesce(
            (SELECT coalesce(a.delegation, a.pk) FROM accounts a WHERE a.id = u.account),
            (SELECT n.delegation FROM payments n WHERE n.id = u.payment))
          AND p.request_head = left(u.hash, ${REQUEST_HEAD_LENGTH}) AND p.request_hash = u.hash
        ORDER BY p.pk DESC LIMIT 1) AS t
    UNION SELECT t.pk FROM unnest($7::text[], $8::text[]) AS u (session, hash)
      JOIN accounts s ON s.id = u.session CROSS JOIN LATERAL (SELECT p.pk FROM payments p
        WHERE p.delegation = s.delegation AND p.request_head = left(u.hash, ${REQUEST_HEAD_LENGTH})
          AND p.request_hash = u.hash AND p.session = s.pk
        ORDER BY p.pk DESC LIMIT 1) AS t
  ) ${selectPayments} WHERE p.pk IN (SELECT pk FROM found) ORDER BY p.pk`,
}

const paymentInsert: Statement = {
  name: 'insert_payments',
  text: `WITH fresh AS (
    INSERT INTO payments (pk, id, session, delegation, amount, reserved_at, request_head,
      request_hash, key, body)
    SELECT u.pk, u.id, coalesce(u.session, (SELECT pk FROM accounts WHERE id = u.session_id)),
      coalesce(u.delegation, (SELECT pk FROM accounts WHERE id = u.delegation_id)), u.amount,
      u.reserved_at, left(u.request_hash, ${REQUEST_HEAD_LENGTH}), u.request_hash,
      u.key, ${packedText('$19')}
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[],
      $7::bigint[], $8::bigint[], $9::text[], $10::text[], $17::integer[], $18::integer[]) AS u (pk,
      id, session, session_id, delegation, delegation_id, amount, reserved_at, request_hash, key,
      start, length)
  ) INSERT INTO payment_states (payment, state, overrun, settled, proven_at, claim, evidence)
  SELECT * FROM unnest($1::bigint[], $11::text[], $12::boolean[], $13::bigint[], $14::bigint[],
    $15::text[], $16::text[])`,
}

const paymentUpdate: Statement = {
  name: 'update_payments',
  text: `UPDATE payment_states o SET state = u.state, overrun = u.overrun, settled = u.settled,
    proven_at = u.proven_at, claim = u.claim, evidence = u.evidence
  FROM unnest($1::bigint[], $2::text[], $3::boolean[], $4::bigint[], $5::bigint[], $6::text[],
    $7::text[]) AS u (pk, state, overrun, settled, proven_at, claim, evidence)
  WHERE o.payment = u.pk`,
}

const paymentBodyUpdate: Statement = {
  name: 'update_payment_terms',
  text: `UPDATE payments p SET body = u.body
  FROM unnest($1::bigint[], $2::text[]) AS u (pk, body) WHERE p.pk = u.pk`,
}

/** Reads the named payments, in the order of their keys. */
export async function readPayments(
  client: Client,
  { ids, keys, twins, ownTwins }: PaymentNames,
): Promise<readonly Entry<Payment>[]> {
  if (ids.length + keys.length + twins.length + ownTwins.length === 0) return []
  const rows = await executeStatement(client, paymentRead, [
    ids.map(escapeNulText),
    keys.map(({ session }) => escapeNulText(session)),
    keys.map(({ key }) => escapeNulText(key)),
    twins.map(({ account }) => escapeOptionalText(account)),
    twins.map(({ payment }) => escapeOptionalText(payment)),
    twins.map(({ name }) => escapeNulText(name)),
    ownTwins.map(({ session }) => escapeNulText(session)),
    ownTwins.map(({ requestHash }) => escapeNulText(requestHash)),
  ])
  return rows.map(paymentEntry)
}

/** Returns the statement that inserts payments. `keyHolders` keep their idempotency key themselves. */
export function insertPayments(
  payments: readonly Entry<Payment>[],
  keyHolders: ReadonlySet<string>,
  parents: ParentKeys,
): readonly Write[] {
  if (payments.length === 0) return []
  const rows = payments.map(({ value }) => [
    parents.payment(value.id),
    escapeNulText(value.id),
    ...parents.session(value.session),
    ...parents.delegation(value.delegation),
    value.terms.amountMicro,
    value.reservedAt,
    escapeNulText(value.terms.requestHash),
    keyHolders.has(value.id) ? escapeOptionalText(value.key) : null,
    ...paymentStateColumns(value),
  ])
  const bodies = packTexts(payments.map(({ value }) => paymentJson(value)))
  return [{ statement: paymentInsert, values: [...transposeRows(rows), ...bodies] }]
}

/** Returns the writes that update payments; their terms hardly ever change. */
export function updatePayments(payments: readonly Entry<Payment>[]): readonly Write[] {
  const changed = payments.filter(
    ({ stored, value }) => stored !== undefined && !hasSamePaymentJson(stored, value),
  )
  return [
    ...writeRows(
      paymentUpdate,
      payments.map(({ pk, value }) => [pk, ...paymentStateColumns(value)]),
    ),
    ...writeRows(
      paymentBodyUpdate,
      changed.map(({ pk, value }) => [pk, paymentJson(value)]),
    ),
  ]
}

/** Returns the payment of a row that `selectPayments` reads. */
export function paymentEntry(row: Row): Entry<Payment> {
  const payment = parsePaymentRow({
    id: unescapeNulText(row.id as string),
    session: unescapeNulText(row.session_id as string),
    delegation: unescapeNulText(row.delegation_id as string),
    endUser: unescapeNulText(row.end_user as string),
    // The body has the key of every payment, the column only that of a payment that holds its key.
    key: null,
    state: row.state as PaymentState,
    amountMicro: BigInt(row.amount as string),
    requestHash: unescapeNulText(row.request_hash as string),
    reservedAt: Number(row.reserved_at),
    overrun: row.overrun as boolean,
    claim: row.claim as string | null,
    settledMicro: row.settled === null ? null : BigInt(row.settled as string),
    provenAt: numberColumnOrNull(row.proven_at),
    evidence: row.evidence as string | null,
    json: row.body as string,
  })
  return storedEntry(row, payment, payment.overrun)
}

function paymentStateColumns(payment: Payment): unknown[] {
  const { settledMicro, provenAt, claim, evidence } = paymentOutcome(payment)
  return [payment.state, payment.overrun, settledMicro, provenAt, claim, evidence]
}
