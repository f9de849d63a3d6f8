import type { EventOf } from '../ledger/audit-event.ts'
import type { Delivery, Payment } from '../ledger/payment.ts'
import { parseAmount } from '../money/amount.ts'
import { sha256 } from '../primitives/hash.ts'
import { impossibleEvent, recordedMicro } from './impossible-event.ts'
import { difference } from './row-difference.ts'

/** What the records say about a payment, in so few words that many of them can be held. */
export type RecordedPayment = Pick<
  Payment,
  'session' | 'reservedAt' | Exclude<Outcome, 'delivery'>
> & {
  /** Hash of what never changes: it is long, and its record can be read again. */
  readonly fixed: string
  /** The cursor that leads to the page of the record that reserved it. */
  readonly page: string | undefined
  /** As much of it as is recorded. */
  readonly delivery?: Partial<Delivery>
}

/** What is known of how it ended. */
const outcomeFields = [
  'state',
  'overrun',
  'settledMicro',
  'provenAt',
  'evidence',
  'claimedTransaction',
  'claimedAt',
  'delivery',
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
] as const

const fixedValueFields = fixedFields.filter((field) => field !== 'terms')

/** What of a payment's row never changes, as its reservation was recorded. */
function reservedPayment(
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
  }
}

/** What has to be kept of a reservation. */
export function recordedPayment(
  event: EventOf<'payment-reserved'>,
  at: number,
  page: string | undefined,
): RecordedPayment {
  const fixed = fixedHash(reservedPayment(event, at))
  const { session } = event
  return { session, state: 'reserved', overrun: false, reservedAt: at, fixed, page }
}

/** What is recorded about a payment after one more event. */
export function paymentAfter(
  payment: RecordedPayment,
  event: EventOf<
    | 'payment-signed'
    | 'payment-claimed'
    | 'payment-doubted'
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
      const { transaction, httpStatus, delivered, contentSha256, bytes } = event
      return {
        ...payment,
        state: waits ? 'claimed' : payment.state,
        claimedAt: at,
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
    case 'payment-settled': {
      const { transaction, block, evidence: reason, overrun } = event
      return {
        ...payment,
        state: 'settled',
        settledMicro: recordedMicro(event.settled),
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

/** In what a payment's row is not what its records say. */
export function paymentProblem(row: Payment, recorded: RecordedPayment): string | undefined {
  if (fixedHash(row) !== recorded.fixed) return `${row.id} is not what was reserved`
  return difference<Pick<RecordedPayment, Outcome>>(
    row.id,
    asFarAsRecorded(row, recorded),
    recorded,
    outcomeFields,
  )
}

/** In what a payment's row is not what was reserved. */
export function fixedProblem(
  row: Payment,
  event: EventOf<'payment-reserved'>,
  at: number,
): string | undefined {
  const [{ terms, ...rest }, { terms: reserved, ...recorded }] = [row, reservedPayment(event, at)]
  const names = Object.keys(reserved) as (keyof typeof reserved)[]
  return (
    difference(row.id, terms, reserved, names) ??
    difference<typeof recorded>(row.id, rest, recorded, fixedValueFields)
  )
}

/** For every payment twice: so it is one text of one list, with each value in its own place. */
function fixedHash({ terms, ...row }: Pick<Payment, (typeof fixedFields)[number]>): string {
  const { rail, scheme, network, asset, currency, payee, host, requestHash } = terms
  const amounts = [`${terms.atomic}`, `${terms.amountMicro}`]
  const termValues = [rail, scheme, network, asset, currency, payee, host, requestHash, ...amounts]
  const values = fixedValueFields.map((field) => row[field])
  // Terms with anything more are other terms, and what is absent is not the same as null.
  const known = [defined(Object.values(terms)), defined(values)]
  return sha256(JSON.stringify([...known, ...termValues, ...values]))
}

function defined(values: readonly unknown[]): number {
  return values.filter((value) => value !== undefined).length
}

/** Of a delivery and of a release the records do not have everything that the row has. */
function asFarAsRecorded(row: Payment, recorded: RecordedPayment): Pick<RecordedPayment, Outcome> {
  const { delivery, evidence, ...rest } = row
  const names = Object.keys(recorded.delivery ?? {}) as (keyof Delivery)[]
  const told = delivery && Object.fromEntries(names.map((name) => [name, delivery[name]]))
  const { transaction: _, ...released } = evidence ?? { block: '', reason: '' }
  const proof = evidence && recorded.state === 'released' ? released : evidence
  return {
    ...rest,
    ...(delivery ? { delivery: recorded.delivery ? { ...told } : delivery } : {}),
    ...(proof ? { evidence: proof } : {}),
  }
}
