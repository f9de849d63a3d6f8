import type { Evidence, Payment, PaymentState, Terms } from '@bursar/core'
import type { Database, Row } from './database.ts'
import { assertFixed, type Entry, same, type Table } from './entries.ts'
import { optionalNumber } from './optional.ts'

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

const proofFields = ['settledMicro', 'provenAt', 'evidence'] as const

/** Finds the keys of the rows that a payment names. */
export interface PaymentParents {
  session(id: string): bigint
  delegation(id: string, endUser: string): bigint
}

/** Reads whole payments; a condition follows. */
export const selectPayments = `
SELECT p.*, s.id AS session_id, d.id AS delegation_id, d.end_user, t.request_hash, t.body,
  c.body AS claim, f.settled, f.proven_at, f.evidence
  FROM payments p JOIN sessions s ON s.pk = p.session JOIN delegations d ON d.pk = p.delegation
  JOIN payment_terms t ON t.payment = p.pk LEFT JOIN payment_claims c ON c.payment = p.pk
  LEFT JOIN payment_proofs f ON f.payment = p.pk`

/** So much of a request's hash is in the index: short entries, and as good as unique. */
const REQUEST_HEAD_LENGTH = 12

/** The part of a request's hash that is indexed. */
export function requestHead(requestHash: string): string {
  return requestHash.slice(0, REQUEST_HEAD_LENGTH)
}

export function paymentTable(database: Database, parents: PaymentParents): Table<Payment> {
  const load = database.statement(`${selectPayments} WHERE p.id = ?`)
  const insert = database.statement(`INSERT INTO payments
    (id, session, delegation, state, amount, reserved_at, overrun, request_head)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`)
  const insertTerms = database.statement('INSERT INTO payment_terms VALUES (?, ?, ?)')
  const update = database.statement('UPDATE payments SET state = ?, overrun = ? WHERE pk = ?')
  const updateTerms = database.statement('UPDATE payment_terms SET body = ? WHERE payment = ?')
  const writeClaim = database.statement('INSERT OR REPLACE INTO payment_claims VALUES (?, ?)')
  const writeProof = database.statement('INSERT OR REPLACE INTO payment_proofs VALUES (?, ?, ?, ?)')

  const writeOutcome = (pk: bigint, value: Payment, stored: Partial<Payment>): void => {
    if (!same<Partial<Payment>>(stored, value, claimFields)) writeClaim.run(pk, claimText(value))
    if (!same<Partial<Payment>>(stored, value, proofFields))
      writeProof.run(pk, ...proofColumns(value))
  }
  return {
    noun: 'payment',
    grows: true,
    id: ({ id }) => id,
    load(id) {
      const row = load.get(id)
      return row && paymentEntry(row)
    },
    insert(value) {
      const { id, session, delegation, endUser, state, terms, reservedAt, overrun } = value
      const pk = insert.insert(
        id,
        parents.session(session),
        parents.delegation(delegation, endUser),
        state,
        terms.amountMicro,
        reservedAt,
        Number(overrun),
        requestHead(terms.requestHash),
      )
      if (pk === undefined) return undefined
      insertTerms.run(pk, terms.requestHash, fixedText(value))
      writeOutcome(pk, value, {})
      return { pk, stored: value, value, overrun }
    },
    update(entry) {
      const { pk, stored, value } = entry
      const what = `payment ${value.id}`
      assertFixed(what, stored, value, ['session', 'delegation', 'endUser', 'reservedAt'])
      assertFixed(what, stored.terms, value.terms, ['requestHash', 'amountMicro'])
      update.run(value.state, Number(value.overrun), pk)
      const unchanged = stored.terms === value.terms && same(stored, value, fixedFields)
      if (!unchanged) updateTerms.run(fixedText(value), pk)
      writeOutcome(pk, value, stored)
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

function claimText(value: Payment): string {
  return JSON.stringify(pick(value, claimFields))
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

type ProofColumns = [bigint | null, number | null, string | null]

function proofColumns({ settledMicro, provenAt, evidence }: Payment): ProofColumns {
  return [
    settledMicro ?? null,
    provenAt ?? null,
    evidence === undefined ? null : JSON.stringify(evidence),
  ]
}
