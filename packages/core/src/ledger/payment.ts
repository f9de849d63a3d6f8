import type { Denial } from './denial.ts'

/** The chosen offer, normalised, plus the request's hash: checked = approved = signed = recorded. */
export interface Terms {
  readonly rail: string
  readonly scheme: string
  readonly network: string
  /** The asset's contract address, lower case. */
  readonly asset: string
  readonly currency: string
  readonly atomic: bigint
  /** What the payment takes from budgets. */
  readonly amountMicro: bigint
  readonly payee: string
  /** The host that the guard dialled, punycode, with its port if that is not the scheme's own. */
  readonly host: string
  /** SHA-256 of method, URL, body and the headers that the caller set. */
  readonly requestHash: string
}

/** The states of a payment that holds or has moved money. */
export type PaymentState = 'reserved' | 'signed' | 'claimed' | 'in_doubt' | 'settled' | 'released'

/** The states in which its outcome is not proven: money can still move. */
export const unprovenStates: readonly PaymentState[] = ['reserved', 'signed', 'claimed', 'in_doubt']

/** One payment, from its reservation on. */
export interface Payment {
  readonly id: string
  readonly session: string
  readonly delegation: string
  readonly endUser: string
  readonly instrument: string
  /** SHA-256 of what the key is made of, hex; absent where the caller gave none. */
  readonly key?: string
  readonly state: PaymentState
  readonly terms: Terms
  readonly termsHash: string
  /** Address that the money comes from. */
  readonly payer: string
  readonly nonce: `0x${string}`
  /** Path of the resource, without its query: for people. */
  readonly path: string
  /** What the agent says that it pays for. The agent's words, cut to a bound. */
  readonly purpose: string
  /** SHA-256 of the payment token, hex. */
  readonly tokenHash: string
  readonly reservedAt: number
  /** No signature can be had for it from then on. */
  readonly tokenExpiresAt: number
  /** Unix seconds; from then on the chain refuses the signature. */
  readonly validBefore: number
  /** The transaction that the merchant claimed; never evidence. */
  readonly claimedTransaction?: string
  readonly claimedAt?: number
  readonly delivery?: Delivery
  /** Set by proof only. */
  readonly settledMicro?: bigint
  readonly evidence?: Evidence
  readonly provenAt?: number
  /** Money moved although the hold had been released. */
  readonly overrun: boolean
}

/** What came back for the money. */
export interface Delivery {
  readonly httpStatus: number
  readonly contentType: string
  /** SHA-256 of the body as it was received, hex. */
  readonly contentSha256: string
  readonly bytes: number
  readonly truncated: boolean
  /** False where the status or a broken body says that the resource was not delivered. */
  readonly delivered: boolean
}

/** A resource's response, kept with its payment up to a bound. */
export interface Content {
  readonly payment: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly truncated: boolean
}

/** What is known of a key: the payment that it is pinned to, or how often it was refused. */
export interface KeyRecord {
  readonly session: string
  readonly key: string
  readonly requestHash: string
  readonly payment?: string
  readonly refusals: number
  /** The last refusal, as it was answered. */
  readonly lastRefusal?: Denial
}

/**
 * Whether a key's record says no more than that the key is pinned to its own payment. A store may keep
 * it with the payment then, and not as a row of its own.
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

/** Open: no believable word on the outcome yet. An identical request has to wait for it. */
export function isOpen(payment: Payment): boolean {
  return payment.state === 'reserved' || payment.state === 'signed' || payment.state === 'in_doubt'
}

/** Unproven: the hold stays until the rail proves the outcome. */
export function isUnproven(payment: Payment): boolean {
  return isOpen(payment) || payment.state === 'claimed'
}

/** Paid: claimed or settled. */
export function isPaid(payment: Payment): boolean {
  return payment.state === 'claimed' || payment.state === 'settled'
}

/** Where anyone can check a verdict. */
export interface Evidence {
  readonly transaction?: string
  /** Block number that the verdict was read at. */
  readonly block: string
  readonly reason: string
}

/** What is said of a payment in each of its events. */
export interface PaymentSubject {
  readonly payment: string
  readonly session: string
  readonly delegation: string
  readonly endUser: string
  readonly agent: string
  /** Decimal string in `currency`. */
  readonly amount: string
  readonly currency: string
  readonly host: string
}
