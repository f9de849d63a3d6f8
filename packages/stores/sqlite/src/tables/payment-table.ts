import type { Evidence, Payment, PaymentState, Terms } from '@bursar/core'
import type { Database, Row } from '../database/database.ts'
import { optionalNumber } from './optional.ts'
import { assertFixed, type Entry, same, type Table } from './row-cache.ts'

/** What of a payment is written once, besides its terms. */
const fixedFields = [
  'instrument',
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

const outcomeFields = [...claimFields, 'settledMicro', 'provenAt', 'evidence'] as const

/** Finds the keys of the rows that a payment names. */
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

/** Hex digits of a hash that are in the index, 48 bits: as good as unique, and a whole number. */
const HEAD_DIGITS = 12

/** The part of a hash that is indexed. What is no hash shares a head with others, and is compared. */
export function headOf(hash: string): number {
  const head = Number.parseInt(hash.slice(0, HEAD_DIGITS), 16)
  return head >= 0 ? head : 0
}

export function paymentTable(database: Database, parents: PaymentParents): Table<Payment> {
  const load = database.statement(`${selectPayments} WHERE p.id = ?`)
  const insert = database.statement(`INSERT INTO payments
    (id, session, delegation, state, amount, reserved_at, overrun, request_head, key_head)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`)
  const insertTerms = database.statement('INSERT INTO payment_terms VALUES (?, ?, ?, ?)')
  const update = database.statement('UPDATE payments SET state = ?, overrun = ? WHERE pk = ?')
  const updateTerms = database.statement('UPDATE payment_terms SET body = ? WHERE payment = ?')
  const writeOutcome = database.statement(
    'INSERT OR REPLACE INTO payment_outcomes VALUES (?, ?, ?, ?, ?)',
  )
  const outcome = (pk: bigint, value: Payment, stored: Partial<Payment>): void => {
    if (!same<Partial<Payment>>(stored, value, outcomeFields))
      writeOutcome.run(pk, ...outcomeColumns(value))
  }
  return {
    noun: 'payment',
    grows: true,
    id: ({ id }) => id,
    load(id) {
      const row = load.get(id)
      return row && paymentEntry(row)
    },
    insert(value, overrun, holdsKey) {
      const { id, session, delegation, endUser, state, terms, key, reservedAt } = value
      const pk = insert.insert(
        id,
        parents.session(session),
        parents.delegation(delegation, endUser),
        state,
        terms.amountMicro,
        reservedAt,
        Number(overrun),
        headOf(terms.requestHash),
        holdsKey && key !== undefined ? headOf(key) : null,
      )
      if (pk === undefined) return undefined
      insertTerms.run(pk, terms.requestHash, key ?? null, fixedText(value))
      outcome(pk, value, {})
      return { pk, stored: value, value, overrun }
    },
    update(entry) {
      const { pk, stored, value } = entry
      const what = `payment ${value.id}`
      assertFixed(what, stored, value, ['session', 'delegation', 'endUser', 'key', 'reservedAt'])
      assertFixed(what, stored.terms, value.terms, ['requestHash', 'amountMicro'])
      if (!same(stored, value, ['state', 'overrun']))
        update.run(value.state, Number(value.overrun), pk)
      const unchanged = stored.terms === value.terms && same(stored, value, fixedFields)
      if (!unchanged) updateTerms.run(fixedText(value), pk)
      outcome(pk, value, stored)
    },
  }
}

export function paymentEntry(row: Row): Entry<Payment> {
  const value = paymentOf(row)
  return { pk: row.pk as bigint, stored: value, value, overrun: value.overrun }
}

function paymentOf(row: Row): Payment {
  const fixed = JSON.parse(row.body as string) as Fixed
  const { atomic, ...terms } = fixed.terms
  return {
    id: row.id as string,
    session: row.session_id as string,
    delegation: row.delegation_id as string,
    endUser: row.end_user as string,
    ...(row.key === null ? {} : { key: row.key as string }),
    ...fixed,
    state: row.state as PaymentState,
    terms: {
      ...terms,
      atomic: BigInt(atomic),
      amountMicro: row.amount as bigint,
      requestHash: row.request_hash as string,
    },
    reservedAt: Number(row.reserved_at),
    ...(row.claim === null ? {} : (JSON.parse(row.claim as string) as Claim)),
    ...(row.settled === null ? {} : { settledMicro: row.settled as bigint }),
    ...(row.evidence === null ? {} : { evidence: JSON.parse(row.evidence as string) as Evidence }),
    ...optionalNumber('provenAt', row.proven_at),
    overrun: row.overrun === 1n,
  }
}

function fixedText(value: Payment): string {
  const { atomic, amountMicro: _amount, requestHash: _hash, ...terms } = value.terms
  const fixed = pick(value, fixedFields)
  return JSON.stringify({ ...fixed, terms: { ...terms, atomic: atomic.toString() } })
}

/** JSON leaves out what is absent. */
function pick<Field extends keyof Payment>(
  value: Payment,
  fields: readonly Field[],
): Pick<Payment, Field> {
  const picked: Partial<Pick<Payment, Field>> = {}
  for (const field of fields) picked[field] = value[field]
  return picked as Pick<Payment, Field>
}

type OutcomeColumns = [string | null, bigint | null, number | null, string | null]

function outcomeColumns(value: Payment): OutcomeColumns {
  const { settledMicro, provenAt, evidence } = value
  const isClaimed = claimFields.some((field) => value[field] !== undefined)
  return [
    isClaimed ? JSON.stringify(pick(value, claimFields)) : null,
    settledMicro ?? null,
    provenAt ?? null,
    evidence === undefined ? null : JSON.stringify(evidence),
  ]
}
