import type { RecordedLimits } from '@bursar/core'

/** A session, a delegation or an end user's account, as the model knows it. */
export interface ModelAccount {
  readonly id: string
  /** The account that this one draws from. */
  above: ModelAccount | undefined
  /** The end user of a delegation. */
  endUser: string | undefined
  limits: RecordedLimits
  merchants: readonly { readonly host: string; readonly payees?: readonly string[] }[] | undefined
  expiresAt: number
  /** Whether the account was revoked or closed. */
  ended: boolean
  locked: boolean
  /** The time from which each window counts, by its span. */
  windowsSince: ReadonlyMap<string, number>
}

/** A payment, as the model knows it. */
export interface ModelPayment {
  readonly id: string
  /** The call of the payment. */
  readonly call: string
  readonly session: ModelAccount
  readonly delegation: ModelAccount
  readonly host: string
  readonly payee: string
  readonly payer: string
  readonly asset: string
  readonly atomic: bigint
  readonly micro: bigint
  readonly nonce: string
  readonly requestHash: string
  readonly reservedAt: number
  readonly validBefore: number
  state: 'reserved' | 'signed' | 'claimed' | 'in_doubt' | 'settled' | 'released'
  /** The time at which windows count it. */
  countedAt: number
  overrun: boolean
  /** When a caller was first told that it is paid. */
  toldAt: number | undefined
  /** Whether the claim came with the resource; undefined without a claim. */
  delivered: boolean | undefined
  releasedBy: 'holder' | 'proof' | undefined
}

/** The merchant of a payment: its host and its payee. */
export type Merchant = Pick<ModelPayment, 'host' | 'payee'>
