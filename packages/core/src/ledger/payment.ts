import type { Denial } from './denial.ts'

/** The normalised offer and the request's hash. These terms are checked, approved, signed and recorded. */
export interface Terms {
  readonly rail: string
  readonly scheme: string
  readonly network: string
  /** The address of the asset's contract, lower case. */
  readonly asset: string
  readonly currency: string
  /** The price in atomic units of the asset. */
  readonly atomic: bigint
  /** The micro-units of `currency` that the payment takes from budgets. */
  readonly amountMicro: bigint
  readonly payee: string
  /** The host that the guard dialled, in punycode, with its port unless that is the default. */
  readonly host: string
  /** The SHA-256 of method, URL, body and the caller's headers that do not change with each try. */
  readonly requestHash: string
}

/** The states of a payment that holds or has moved money. */
export type PaymentState = 'reserved' | 'signed' | 'claimed' | 'in_doubt' | 'settled' | 'released'

/** The states in which its outcome is not proven: money can still move. */
export const unprovenStates: readonly PaymentState[] = ['reserved', 'signed', 'claimed', 'in_doubt']

/** A payment, from its reservation on. */
export interface Payment {
  readonly id: string
  readonly session: string
  readonly delegation: string
  readonly endUser: string
  readonly instrument: string
  /** The SHA-256 of the call's idempotency key, as hex. It is absent if the call had none. */
  readonly key?: string
  readonly state: PaymentState
  readonly terms: Terms
  readonly termsHash: string
  /** The address that the money leaves. */
  readonly payer: string
  readonly nonce: `0x${string}`
  /** The path of the resource, without its query, for people. */
  readonly path: string
  /** The agent's own words about its purpose, cut to a bound. */
  readonly purpose: string
  /** The SHA-256 of the payment token, as hex. */
  readonly tokenHash: string
  readonly reservedAt: number
  /** The end of the payment token, in milliseconds since the epoch. Later nothing is signed. */
  readonly tokenExpiresAt: number
  /** The end of the signature's validity by the block chain's time, in Unix seconds. */
  readonly validBefore: number
  /** The transaction that the merchant claimed. It is no evidence. */
  readonly claimedTransaction?: string
  readonly claimedAt?: number
  readonly delivery?: Delivery
  /** The micro-units that moved. Only proof sets them. */
  readonly settledMicro?: bigint
  readonly evidence?: Evidence
  readonly provenAt?: number
  /** Whether the payment settled after its hold had been released. */
  readonly overrun: boolean
  /** The id of the undelivered payment whose request this one pays for once more. */
  readonly repeats?: string
  /** When a call was first answered that a proven payment is paid. A claim is an answer of its own. */
  readonly answeredAt?: number
  /** The end of the time in which the end user allows this payment's request once more. */
  readonly allowedAgainUntil?: number
  /** When the ledger recorded that the network has, or may have, a cancellation of the signature. */
  readonly cancellationAskedAt?: number
}

/** The facts of the response to a paid request. */
export interface Delivery {
  readonly httpStatus: number
  readonly contentType: string
  /** The SHA-256 of the body as it was received, as hex. */
  readonly contentSha256: string
  readonly bytes: number
  readonly truncated: boolean
  /** Whether the status and the body say that the resource was delivered. */
  readonly delivered: boolean
}

/** A resource's response, stored with its payment up to a bound. */
export interface Content {
  readonly payment: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly truncated: boolean
}

/** The record of a call's idempotency key: the payment that it is pinned to, or its refusals. */
export interface KeyRecord {
  readonly session: string
  readonly key: string
  readonly requestHash: string
  readonly payment?: string
  readonly refusals: number
  /** The last refusal that was returned. */
  readonly lastRefusal?: Denial
}

/**
 * Checks whether a key's record says only that the key is pinned to its payment. A store may then keep the
 * key with the payment, without a row of its own.
 *
 * @example
 * ```ts
 * import type { KeyRecord, Payment } from '@bursar/core'
 *
 * function extraKeys(keys: readonly KeyRecord[], payment: Payment): readonly KeyRecord[] {
 *   return keys.filter((record) => !isOwnKey(record, payment))
 * }
 * ```
 */
export function isOwnKey(record: KeyRecord, { id, session, key, terms }: Payment): boolean {
  return (
    record.payment === id &&
    record.session === session &&
    record.key === key &&
    record.requestHash === terms.requestHash &&
    record.refusals === 0 &&
    record.lastRefusal === undefined
  )
}

/** Checks whether a payment is open: reserved, signed or in doubt. An identical request has to wait. */
export function isOpenPayment(payment: Payment): boolean {
  return payment.state === 'reserved' || payment.state === 'signed' || payment.state === 'in_doubt'
}

/** Checks whether a payment is unproven: open or claimed. Its hold stays until the rail proves the outcome. */
export function isUnprovenPayment(payment: Payment): boolean {
  return isOpenPayment(payment) || payment.state === 'claimed'
}

/** Checks whether a payment is paid: claimed or settled. */
export function isPaidPayment(payment: Payment): boolean {
  return payment.state === 'claimed' || payment.state === 'settled'
}

/** Checks whether a payment is paid, and nothing was delivered for it as far as is known. */
export function isUndeliveredPayment(payment: Payment): boolean {
  return isPaidPayment(payment) && payment.delivery?.delivered !== true
}

/**
 * Returns the id of the payment whose delivery is still owed for a payment's request, or undefined if
 * none is. If a payment that repeats another is released, the delivery of the other is owed as before.
 */
export function owedPayment(payment: Payment): string | undefined {
  if (isUndeliveredPayment(payment)) return payment.id
  return payment.state === 'released' ? payment.repeats : undefined
}

/** Checks whether a payment is in doubt, or paid and not delivered. */
export function isTroubledPayment(payment: Payment): boolean {
  return payment.state === 'in_doubt' || isUndeliveredPayment(payment)
}

/** The place on the block chain where a verdict can be checked. */
export interface Evidence {
  readonly transaction?: string
  /** The number of the block at which the verdict was read. */
  readonly block: string
  readonly reason: string
}

/** The fields that every event of a payment has. */
export interface PaymentSubject {
  readonly payment: string
  readonly session: string
  readonly delegation: string
  readonly endUser: string
  readonly agent: string
  /** The price as a decimal string in `currency`. */
  readonly amount: string
  readonly currency: string
  readonly host: string
}
