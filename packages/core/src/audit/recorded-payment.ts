import type { EventOf } from '../ledger/audit-event.ts'
import type { Delivery, Payment } from '../ledger/payment.ts'
import { parseAmount } from '../money/amount.ts'
import { sha256Hash } from '../primitives/hash.ts'
import { mayCancelPayment } from '../rules/payment-transitions.ts'
import { impossibleEvent, parseReplayedMicro, type RecordedPayment } from './replay-state.ts'
import { findRowDifference } from './row-difference.ts'

/** The fields of a payment that change after its reservation. */
const outcomeFields = [
  'state',
  'overrun',
  'settledMicro',
  'provenAt',
  'evidence',
  'claimedTransaction',
  'claimedAt',
  'delivery',
  'answeredAt',
  'allowedAgainUntil',
  'cancellationAskedAt',
] as const

type Outcome = (typeof outcomeFields)[number]

const fixedFields = [
  'session',
  'delegation',
  'endUser',
  'instrument',
  'key',
  'terms',
  'termsHash',
  'payer',
  'nonce',
  'path',
  'purpose',
  'tokenHash',
  'reservedAt',
  'tokenExpiresAt',
  'validBefore',
  'repeats',
] as const

const fixedValueFields = fixedFields.filter((field) => field !== 'terms')

/** Returns the fields that never change of the payment that a record reserved. */
function parseRecordedReservation(
  event: EventOf<'payment-reserved'>,
  at: number,
): Pick<Payment, (typeof fixedFields)[number]> {
  const { rail, scheme, network, asset, currency, payee, host, requestHash } = event
  const amountMicro = parseAmount(event.amount)
  if (amountMicro === undefined) throw impossibleEvent('its amount cannot be read')
  if (!/^[0-9]+$/.test(event.atomic)) throw impossibleEvent('its atomic amount cannot be read')
  const atomic = BigInt(event.atomic)
  return {
    session: event.session,
    delegation: event.delegation,
    endUser: event.endUser,
    instrument: event.instrument,
    ...(event.key === undefined ? {} : { key: event.key }),
    terms: {
      rail,
      scheme,
      network,
      asset,
      currency,
      atomic,
      amountMicro,
      payee,
      host,
      requestHash,
    },
    termsHash: event.termsHash,
    payer: event.payer,
    nonce: event.nonce as `0x${string}`,
    path: event.path,
    purpose: event.purpose,
    tokenHash: event.tokenHash,
    reservedAt: at,
    tokenExpiresAt: event.tokenExpiresAt,
    validBefore: event.validBefore,
    ...(event.repeats === undefined ? {} : { repeats: event.repeats }),
  }
}

/** Returns the payment that a record reserved. `page` is the cursor that leads to the record's page. */
export function replayRecordedReservation(
  event: EventOf<'payment-reserved'>,
  at: number,
  page: string | undefined,
): RecordedPayment {
  const fixed = hashFixedPaymentFields(parseRecordedReservation(event, at))
  const { session } = event
  return { session, state: 'reserved', overrun: false, reservedAt: at, fixed, page }
}

/** Returns a payment after a record changed it. */
export function replayRecordedPayment(
  payment: RecordedPayment,
  event: EventOf<
    | 'payment-signed'
    | 'payment-claimed'
    | 'payment-doubted'
    | 'payment-answered'
    | 'payment-repeat-allowed'
    | 'cancellation-answered'
    | 'payment-settled'
    | 'payment-released'
  >,
  at: number,
): RecordedPayment {
  const waits = payment.state === 'reserved' || payment.state === 'signed'
  switch (event.type) {
    case 'payment-signed':
      return { ...payment, state: 'signed' }
    case 'payment-claimed': {
      const { transaction, httpStatus, delivered, contentSha256, bytes, claimedAt } = event
      return {
        ...payment,
        state: waits ? 'claimed' : payment.state,
        claimedAt,
        ...(transaction === undefined ? {} : { claimedTransaction: transaction }),
        delivery: { httpStatus, delivered, contentSha256, bytes },
      }
    }
    case 'payment-doubted': {
      const { httpStatus } = event
      return {
        ...payment,
        state: waits ? 'in_doubt' : payment.state,
        ...(httpStatus === undefined ? {} : { delivery: { httpStatus } }),
      }
    }
    case 'payment-answered':
      return { ...payment, answeredAt: at }
    case 'payment-repeat-allowed':
      return { ...payment, allowedAgainUntil: event.until }
    case 'cancellation-answered':
      return mayCancelPayment(event.outcome) ? { ...payment, cancellationAskedAt: at } : payment
    case 'payment-settled': {
      const { transaction, block, evidence: reason, overrun } = event
      return {
        ...payment,
        state: 'settled',
        settledMicro: parseReplayedMicro(event.settled),
        provenAt: at,
        overrun,
        evidence: { ...(transaction === undefined ? {} : { transaction }), block, reason },
      }
    }
    case 'payment-released': {
      const { block, reason } = event
      const evidence = block === undefined ? {} : { evidence: { block, reason } }
      return { ...payment, state: 'released', provenAt: at, ...evidence }
    }
    default:
      return event satisfies never
  }
}

/** Returns the first field in which a payment's row differs from its records. Returns undefined if none does. */
export function findRecordedPaymentDifference(
  row: Payment,
  recorded: RecordedPayment,
): string | undefined {
  if (hashFixedPaymentFields(row) !== recorded.fixed) return `${row.id} is not what was reserved`
  return findRowDifference<Pick<RecordedPayment, Outcome>>(
    row.id,
    pickRecordedFields(row, recorded),
    recorded,
    outcomeFields,
  )
}

/** Returns the first field in which a payment's row differs from its reservation. Returns undefined if none does. */
export function findRecordedReservationDifference(
  row: Payment,
  event: EventOf<'payment-reserved'>,
  at: number,
): string | undefined {
  const [{ terms, ...rest }, { terms: reserved, ...recorded }] = [
    row,
    parseRecordedReservation(event, at),
  ]
  const names = Object.keys(reserved) as (keyof typeof reserved)[]
  return (
    findRowDifference(row.id, terms, reserved, names) ??
    findRowDifference<typeof recorded>(row.id, rest, recorded, fixedValueFields)
  )
}

/** Hashes the fields that never change as one list, which is fast: every payment is hashed twice. */
function hashFixedPaymentFields({
  terms,
  ...row
}: Pick<Payment, (typeof fixedFields)[number]>): string {
  const { rail, scheme, network, asset, currency, payee, host, requestHash } = terms
  const amounts = [`${terms.atomic}`, `${terms.amountMicro}`]
  const termValues = [rail, scheme, network, asset, currency, payee, host, requestHash, ...amounts]
  const values = fixedValueFields.map((field) => row[field])
  // The counts tell terms with another field apart, and an absent value from null.
  const known = [countRecordedFields(Object.values(terms)), countRecordedFields(values)]
  return sha256Hash(JSON.stringify([...known, ...termValues, ...values]))
}

function countRecordedFields(values: readonly unknown[]): number {
  return values.filter((value) => value !== undefined).length
}

/** Returns a row's outcome without the parts of a delivery and of a release that no record contains. */
function pickRecordedFields(
  row: Payment,
  recorded: RecordedPayment,
): Pick<RecordedPayment, Outcome> {
  const { delivery, evidence, ...rest } = row
  const names = Object.keys(recorded.delivery ?? {}) as (keyof Delivery)[]
  const known = delivery && Object.fromEntries(names.map((name) => [name, delivery[name]]))
  const { transaction: _, ...released } = evidence ?? { block: '', reason: '' }
  const proof = evidence && recorded.state === 'released' ? released : evidence
  return {
    ...rest,
    ...(delivery ? { delivery: recorded.delivery ? { ...known } : delivery } : {}),
    ...(proof ? { evidence: proof } : {}),
  }
}
