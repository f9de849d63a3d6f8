import type { Payment, PaymentState } from '@bursar/core'
import {
  assertSamePayment,
  hasSamePaymentJson,
  hasSamePaymentOutcome,
  parsePaymentRow,
  paymentJson,
  paymentOutcome,
} from '@bursar/core/store'
import type { Database, Row } from '../database/database.ts'
import { hashHead } from './hash-head.ts'
import { type Entry, storedCacheEntry, type Table } from './row-cache.ts'
import { numberColumnOrNull } from './row-columns.ts'

/** The look-ups of the keys of the rows that a payment names. */
export interface PaymentParents {
  session(id: string): bigint
  delegation(id: string, endUser: string): bigint
}

/** Reads whole payments; a condition follows. */
export const selectPayments = `
SELECT p.*, s.id AS session_id, d.id AS delegation_id, d.end_user, t.request_hash, t.key, t.body,
  o.claim, o.settled, o.proven_at, o.evidence
  FROM payments p JOIN sessions s ON s.pk = p.session JOIN delegations d ON d.pk = p.delegation
  JOIN payment_terms t ON t.payment = p.pk LEFT JOIN payment_outcomes o ON o.payment = p.pk`

/** Returns the table of payments, whose terms and outcomes are in tables of their own. */
export function paymentTable(database: Database, parents: PaymentParents): Table<Payment> {
  const load = database.statement(`${selectPayments} WHERE p.id = ?`)
  const insert = database.statement(`INSERT INTO payments
    (id, session, delegation, state, amount, reserved_at, overrun, request_head, key_head)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`)
  const insertTerms = database.statement('INSERT INTO payment_terms VALUES (?, ?, ?, ?)')
  const update = database.statement('UPDATE payments SET state = ?, overrun = ? WHERE pk = ?')
  const updateTerms = database.statement('UPDATE payment_terms SET body = ? WHERE payment = ?')
  const insertOutcome = database.statement(
    'INSERT OR REPLACE INTO payment_outcomes VALUES (?, ?, ?, ?, ?)',
  )
  const writeOutcome = (pk: bigint, payment: Payment, stored: Partial<Payment>): void => {
    if (hasSamePaymentOutcome(stored, payment)) return
    const { claim, settledMicro, provenAt, evidence } = paymentOutcome(payment)
    insertOutcome.run(pk, claim, settledMicro, provenAt, evidence)
  }
  return {
    noun: 'payment',
    grows: true,
    id: ({ id }) => id,
    load(id) {
      const row = load.get(id)
      return row && paymentEntry(row)
    },
    insert(payment, overrun, holdsKey) {
      const { id, session, delegation, endUser, state, terms, key, reservedAt } = payment
      const pk = insert.insert(
        id,
        parents.session(session),
        parents.delegation(delegation, endUser),
        state,
        terms.amountMicro,
        reservedAt,
        Number(overrun),
        hashHead(terms.requestHash),
        holdsKey && key !== undefined ? hashHead(key) : null,
      )
      if (pk === undefined) return undefined
      insertTerms.run(pk, terms.requestHash, key ?? null, paymentJsonWithoutKey(payment))
      writeOutcome(pk, payment, {})
      return storedCacheEntry(pk, payment, overrun)
    },
    update({ pk, stored, value }) {
      assertSamePayment(stored, value)
      if (stored.state !== value.state || stored.overrun !== value.overrun) {
        update.run(value.state, Number(value.overrun), pk)
      }
      if (!hasSamePaymentJson(stored, value)) updateTerms.run(paymentJsonWithoutKey(value), pk)
      writeOutcome(pk, value, stored)
    },
  }
}

/** Returns the payment of a row that `selectPayments` reads. */
export function paymentEntry(row: Row): Entry<Payment> {
  const payment = parsePaymentRow({
    id: row.id as string,
    session: row.session_id as string,
    delegation: row.delegation_id as string,
    endUser: row.end_user as string,
    key: row.key as string | null,
    state: row.state as PaymentState,
    amountMicro: row.amount as bigint,
    requestHash: row.request_hash as string,
    reservedAt: Number(row.reserved_at),
    overrun: row.overrun === 1n,
    claim: row.claim as string | null,
    settledMicro: row.settled as bigint | null,
    provenAt: numberColumnOrNull(row.proven_at),
    evidence: row.evidence as string | null,
    json: row.body as string,
  })
  return storedCacheEntry(row.pk as bigint, payment, payment.overrun)
}

/** Returns the JSON of a payment, whose idempotency key has a column. */
function paymentJsonWithoutKey({ key: _key, ...payment }: Payment): string {
  return paymentJson(payment)
}
