import type { Payment, PaymentState, Terms } from '../ledger/payment.ts'
import { assertSameFields, hasSameFields, omitNullFields, pickFields } from './row-fields.ts'

/** A payment as a row: what is searched for or often written in columns, the rest as JSON. */
export interface PaymentRow extends PaymentOutcome {
  readonly id: string
  readonly session: string
  readonly delegation: string
  readonly endUser: string
  /** `null` if the payment has no idempotency key, or has it in `json`. */
  readonly key: string | null
  readonly state: PaymentState
  /** The amount that the payment takes from budgets, in micro-units. */
  readonly amountMicro: bigint
  readonly requestHash: string
  /** The time of the reservation, in milliseconds since the epoch. */
  readonly reservedAt: number
  readonly overrun: boolean
  /** The other fields, as `paymentJson` writes them. */
  readonly json: string
}

/** The part of a payment that the merchant and the proof write, most of it `null` at first. */
export interface PaymentOutcome {
  /** In micro-units; `null` until the payment is proven to have moved money. */
  readonly settledMicro: bigint | null
  /** The time of the proof, in milliseconds since the epoch. */
  readonly provenAt: number | null
  /** The merchant's claim, the delivery, and later answers about them, as JSON. */
  readonly claim: string | null
  /** The evidence of the proof, as JSON. */
  readonly evidence: string | null
}

const jsonFields = [
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
  'repeats',
] as const

const claimFields = [
  'claimedTransaction',
  'claimedAt',
  'delivery',
  'answeredAt',
  'allowedAgainUntil',
  'cancellationAskedAt',
] as const

const outcomeFields = [...claimFields, 'settledMicro', 'provenAt', 'evidence'] as const

/** JSON has no bigint: `atomic` is a decimal string. */
type PaymentJson = Pick<Payment, (typeof jsonFields)[number]> & {
  readonly terms: Omit<Terms, 'atomic' | 'amountMicro' | 'requestHash'> & {
    readonly atomic: string
  }
}

/**
 * Returns the JSON of the fields of a payment that have no column of their own. A store that keeps
 * the idempotency key in a column leaves the key out of the payment that it gives.
 *
 * @example
 * ```ts
 * import type { Payment } from '@bursar/core'
 * import { paymentJson } from '@bursar/core/store'
 *
 * export function columnsOfTerms({ key, ...payment }: Payment): [key: string | null, json: string] {
 *   return [key ?? null, paymentJson(payment)]
 * }
 * ```
 */
export function paymentJson(payment: Payment): string {
  const { atomic, amountMicro: _amount, requestHash: _hash, ...terms } = payment.terms
  const fields = pickFields(payment, jsonFields)
  return JSON.stringify({ ...fields, terms: { ...terms, atomic: atomic.toString() } })
}

/**
 * Checks whether two versions of a payment have the same JSON, so that it need not be written.
 *
 * @example
 * ```ts
 * import type { Payment } from '@bursar/core'
 * import { hasSamePaymentJson, paymentJson } from '@bursar/core/store'
 *
 * export function changedJson(stored: Payment, next: Payment): string | undefined {
 *   return hasSamePaymentJson(stored, next) ? undefined : paymentJson(next)
 * }
 * ```
 */
export function hasSamePaymentJson(stored: Payment, next: Payment): boolean {
  return stored.terms === next.terms && hasSameFields(stored, next, jsonFields)
}

/**
 * Returns the columns of what the merchant and the proof have said about a payment.
 *
 * @example
 * ```ts
 * import type { Payment } from '@bursar/core'
 * import { paymentOutcome } from '@bursar/core/store'
 *
 * export function columnsOfOutcome(payment: Payment): unknown[] {
 *   const { claim, settledMicro, provenAt, evidence } = paymentOutcome(payment)
 *   return [claim, settledMicro, provenAt, evidence]
 * }
 * ```
 */
export function paymentOutcome(payment: Payment): PaymentOutcome {
  const { settledMicro = null, provenAt = null, evidence } = payment
  const claim = pickFields(payment, claimFields)
  return {
    settledMicro,
    provenAt,
    claim: Object.keys(claim).length === 0 ? null : JSON.stringify(claim),
    evidence: evidence === undefined ? null : JSON.stringify(evidence),
  }
}

/**
 * Checks whether two versions of a payment have the same outcome. The outcome then need not be written.
 *
 * @example
 * ```ts
 * import type { Payment } from '@bursar/core'
 * import { hasSamePaymentOutcome, type PaymentOutcome, paymentOutcome } from '@bursar/core/store'
 *
 * export function changedOutcome(stored: Payment, next: Payment): PaymentOutcome | undefined {
 *   return hasSamePaymentOutcome(stored, next) ? undefined : paymentOutcome(next)
 * }
 * ```
 */
export function hasSamePaymentOutcome(stored: Partial<Payment>, next: Partial<Payment>): boolean {
  return hasSameFields(stored, next, outcomeFields)
}

/**
 * Returns the payment of a row.
 *
 * @example
 * ```ts
 * import type { Payment } from '@bursar/core'
 * import { parsePaymentRow, type PaymentRow } from '@bursar/core/store'
 *
 * export function readAll(rows: readonly PaymentRow[]): readonly Payment[] {
 *   return rows.map(parsePaymentRow)
 * }
 * ```
 */
export function parsePaymentRow(row: PaymentRow): Payment {
  const { json, amountMicro, requestHash, claim, evidence, ...columns } = row
  const { terms, ...fields } = JSON.parse(json) as PaymentJson
  return {
    ...pickFields(fields, jsonFields),
    ...omitNullFields(columns),
    ...(claim === null ? {} : pickFields(JSON.parse(claim) as Partial<Payment>, claimFields)),
    ...(evidence === null
      ? {}
      : { evidence: JSON.parse(evidence) as Payment['evidence'] & object }),
    terms: { ...terms, atomic: BigInt(terms.atomic), amountMicro, requestHash },
  }
}

/**
 * Throws `invariant_broken` if a field differs that a payment keeps for life.
 *
 * @example
 * ```ts
 * import type { Payment } from '@bursar/core'
 * import { assertSamePayment } from '@bursar/core/store'
 *
 * export function replace(table: Map<string, Payment>, next: Payment): void {
 *   const stored = table.get(next.id)
 *   if (stored) assertSamePayment(stored, next)
 *   table.set(next.id, next)
 * }
 * ```
 */
export function assertSamePayment(stored: Payment, next: Payment): void {
  const name = `payment ${next.id}`
  const fixed = ['session', 'delegation', 'endUser', 'key', 'reservedAt'] as const
  assertSameFields(name, stored, next, fixed)
  assertSameFields(name, stored.terms, next.terms, ['requestHash', 'amountMicro'])
}
