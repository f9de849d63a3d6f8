import type { Evidence, Payment, PaymentState, Terms } from '@bursar/core'
import type { Row, Statement } from '../database/statement.ts'
import type { AccountKey } from './account-table.ts'
import { assertFixed, type Entry, same } from './entry.ts'
import { originalText, plainText } from './escape-nul-text.ts'
import { joinedText, joinedTexts } from './joined-texts.ts'
import { optionalNumber } from './optional.ts'
import { columnsOf } from './row-columns.ts'
import { joinKeys, joinOwnKeys } from './small-tables.ts'

/** What of a payment is written once, besides its terms. */
const fixedFields = [
  'instrument',
  'key',
  'termsHash',
  'payer',
  'nonce',
  'path',
  'purpose',
  'tokenHash',
  'tokenExpiresAt',
  'validBefore',
] as const

/** The same as JSON, which has no bigint: `atomic` is a decimal string. */
type Fixed = Pick<Payment, (typeof fixedFields)[number]> & {
  readonly terms: Omit<Terms, 'atomic' | 'amountMicro' | 'requestHash'> & {
    readonly atomic: string
  }
}

/** What a response said, as JSON: its words are a merchant's. */
const claimFields = ['claimedTransaction', 'claimedAt', 'delivery'] as const

type Claim = Pick<Payment, (typeof claimFields)[number]>

/** So much of a request's hash is in the index: short entries, and as good as unique. */
const REQUEST_HEAD_LENGTH = 12

/** Reads whole payments; more joins, or a condition, follow. */
export const selectPayments = `
SELECT p.*, s.id AS session_id, d.id AS delegation_id, d.end_user, o.state, o.overrun, o.settled,
  o.proven_at, o.claim, o.evidence
  FROM payments p JOIN payment_states o ON o.payment = p.pk
  JOIN accounts s ON s.pk = p.session JOIN accounts d ON d.pk = p.delegation`

/**
 * Payments by their ids, by the keys that are pinned to them, and the latest one for a request in
 * a delegation, which is found by itself, by a session, or by a payment; and the latest one for a
 * request in a session.
 */
export const readPayments: Statement = {
  name: 'read_payments',
  text: `WITH found AS (
    SELECT pk FROM payments WHERE id = ANY ($1::text[])
    UNION SELECT k.payment FROM unnest($2::text[], $3::text[]) AS u (session, key) ${joinKeys}
    UNION SELECT p.pk FROM unnest($2::text[], $3::text[]) AS u (session, key) ${joinOwnKeys}
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

export const insertPayments: Statement = {
  name: 'insert_payments',
  text: `WITH fresh AS (
    INSERT INTO payments (pk, id, session, delegation, amount, reserved_at, request_head,
      request_hash, key, body)
    SELECT u.pk, u.id, coalesce(u.session, (SELECT pk FROM accounts WHERE id = u.session_id)),
      coalesce(u.delegation, (SELECT pk FROM accounts WHERE id = u.delegation_id)), u.amount,
      u.reserved_at, left(u.request_hash, ${REQUEST_HEAD_LENGTH}), u.request_hash,
      u.key, ${joinedText('$19')}
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[],
      $7::bigint[], $8::bigint[], $9::text[], $10::text[], $17::integer[], $18::integer[]) AS u (pk,
      id, session, session_id, delegation, delegation_id, amount, reserved_at, request_hash, key,
      start, length)
  ) INSERT INTO payment_states (payment, state, overrun, settled, proven_at, claim, evidence)
  SELECT * FROM unnest($1::bigint[], $11::text[], $12::boolean[], $13::bigint[], $14::bigint[],
    $15::text[], $16::text[])`,
}

export const updatePayments: Statement = {
  name: 'update_payments',
  text: `UPDATE payment_states o SET state = u.state, overrun = u.overrun, settled = u.settled,
    proven_at = u.proven_at, claim = u.claim, evidence = u.evidence
  FROM unnest($1::bigint[], $2::text[], $3::boolean[], $4::bigint[], $5::bigint[], $6::text[],
    $7::text[]) AS u (pk, state, overrun, settled, proven_at, claim, evidence)
  WHERE o.payment = u.pk`,
}

/** Rare: what is written once is written again. */
export const updatePaymentTerms: Statement = {
  name: 'update_payment_terms',
  text: `UPDATE payments p SET body = u.body
  FROM unnest($1::bigint[], $2::text[]) AS u (pk, body) WHERE p.pk = u.pk`,
}

export function paymentEntry(row: Row): Entry<Payment> {
  const value = paymentOf(row)
  return { pk: row.pk as string, stored: value, value, overrun: value.overrun }
}

/** The values of `insertPayments`; `owners` are those that have their key themselves. */
export function insertedPayments(
  payments: readonly Entry<Payment>[],
  owners: ReadonlySet<string>,
  keys: {
    payment(id: string): string
    session(id: string): AccountKey
    delegation(id: string): AccountKey
  },
): unknown[] {
  if (payments.length === 0) return []
  const columns = columnsOf(
    payments.map(({ value }) => [
      keys.payment(value.id),
      plainText(value.id),
      ...keys.session(value.session),
      ...keys.delegation(value.delegation),
      value.terms.amountMicro,
      value.reservedAt,
      plainText(value.terms.requestHash),
      value.key !== undefined && owners.has(value.id) ? plainText(value.key) : null,
      ...stateColumns(value),
    ]),
  )
  return [...columns, ...joinedTexts(payments.map(({ value }) => fixedText(value)))]
}

/** The values of `updatePayments`. */
export function updatedPayments(payments: readonly Entry<Payment>[]): unknown[][] {
  return columnsOf(payments.map(({ pk, value }) => [pk, ...stateColumns(value)]))
}

/** The values of `updatePaymentTerms`: empty where no terms have changed. */
export function updatedTerms(payments: readonly Entry<Payment>[]): unknown[][] {
  const changed = payments.filter(
    ({ stored, value }) =>
      stored && !(stored.terms === value.terms && same(stored, value, fixedFields)),
  )
  return columnsOf(changed.map(({ pk, value }) => [pk, fixedText(value)]))
}

export function assertSamePayment({ stored, value }: Entry<Payment>): void {
  if (!stored) return
  const what = `payment ${value.id}`
  assertFixed(what, stored, value, ['session', 'delegation', 'endUser', 'reservedAt'])
  assertFixed(what, stored.terms, value.terms, ['requestHash', 'amountMicro'])
}

function stateColumns(value: Payment): unknown[] {
  const { state, overrun, settledMicro = null, provenAt = null, evidence } = value
  const claim = pick(value, claimFields)
  return [
    state,
    overrun,
    settledMicro,
    provenAt,
    Object.keys(claim).length === 0 ? null : JSON.stringify(claim),
    evidence === undefined ? null : JSON.stringify(evidence),
  ]
}

function paymentOf(row: Row): Payment {
  const fixed = JSON.parse(row.body as string) as Fixed
  const { atomic, ...terms } = fixed.terms
  return {
    id: originalText(row.id as string),
    session: originalText(row.session_id as string),
    delegation: originalText(row.delegation_id as string),
    endUser: originalText(row.end_user as string),
    ...fixed,
    state: row.state as PaymentState,
    terms: {
      ...terms,
      atomic: BigInt(atomic),
      amountMicro: BigInt(row.amount as string),
      requestHash: originalText(row.request_hash as string),
    },
    reservedAt: Number(row.reserved_at),
    ...(row.claim === null ? {} : (JSON.parse(row.claim as string) as Claim)),
    ...(row.settled === null ? {} : { settledMicro: BigInt(row.settled as string) }),
    ...(row.evidence === null ? {} : { evidence: JSON.parse(row.evidence as string) as Evidence }),
    ...optionalNumber('provenAt', row.proven_at as string | null),
    overrun: row.overrun as boolean,
  }
}

function fixedText(value: Payment): string {
  const { atomic, amountMicro: _amount, requestHash: _hash, ...terms } = value.terms
  const fixed = pick(value, fixedFields)
  return JSON.stringify({ ...fixed, terms: { ...terms, atomic: atomic.toString() } })
}

/** What is absent is left out. */
function pick<Field extends keyof Payment>(
  value: Payment,
  fields: readonly Field[],
): Pick<Payment, Field> {
  const picked: Partial<Pick<Payment, Field>> = {}
  for (const field of fields) if (value[field] !== undefined) picked[field] = value[field]
  return picked as Pick<Payment, Field>
}
