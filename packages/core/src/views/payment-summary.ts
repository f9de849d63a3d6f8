import type { Payment, PaymentState } from '../ledger/payment.ts'
import { formatAmount } from '../money/amount.ts'

/** A payment as people and programs outside the guard read it. */
export interface PaymentSummary {
  /** The payment's id. */
  readonly id: string
  /** The id of the session that paid. */
  readonly session: string
  /** The id of the delegation that the session draws from. */
  readonly delegation: string
  /** The end user whose money was spent. */
  readonly endUser: string
  /** The handle of the wallet that signed. */
  readonly instrument: string
  /** The state of the payment in the ledger. */
  readonly state: PaymentState
  /** The reserved price, a decimal string in `currency`. */
  readonly amount: string
  /** The sum that the rail proved, a decimal string in `currency`; absent until then. */
  readonly settled?: string
  /** The currency of the limits, such as `USD`. */
  readonly currency: string
  /** The host that the guard dialled. */
  readonly merchant: string
  /** The address that was paid. */
  readonly payee: string
  /** The path of the resource, without its query. */
  readonly path: string
  /** The reason that the agent gave for the payment. Untrusted text. */
  readonly purpose: string
  /** The network, such as `eip155:8453`. */
  readonly network: string
  /** The address of the asset's contract. */
  readonly asset: string
  /** The time of the reservation. ISO 8601, UTC. */
  readonly reservedAt: string
  /** When the rail proved the outcome. ISO 8601, UTC; absent until then. */
  readonly provenAt?: string
  /** The transaction that the merchant named. A claim, never evidence. */
  readonly claimedTransaction?: string
  /** The rail's proof of the outcome, which anyone can check. */
  readonly evidence?: {
    readonly transaction?: string
    readonly block: string
    readonly reason: string
  }
  /** The merchant's answer to the paid request; absent if none came. */
  readonly delivery?: {
    readonly httpStatus: number
    readonly delivered: boolean
    readonly contentSha256: string
    readonly bytes: number
  }
  /** Whether the payment settled after it had been released. */
  readonly overrun: boolean
}

/** Returns the summary of a payment. */
export function summarizePayment(payment: Payment): PaymentSummary {
  const { terms, delivery } = payment
  return {
    id: payment.id,
    session: payment.session,
    delegation: payment.delegation,
    endUser: payment.endUser,
    instrument: payment.instrument,
    state: payment.state,
    amount: formatAmount(terms.amountMicro),
    ...(payment.settledMicro === undefined ? {} : { settled: formatAmount(payment.settledMicro) }),
    currency: terms.currency,
    merchant: terms.host,
    payee: terms.payee,
    path: payment.path,
    purpose: payment.purpose,
    network: terms.network,
    asset: terms.asset,
    reservedAt: new Date(payment.reservedAt).toISOString(),
    ...(payment.provenAt === undefined
      ? {}
      : { provenAt: new Date(payment.provenAt).toISOString() }),
    ...(payment.claimedTransaction === undefined
      ? {}
      : { claimedTransaction: payment.claimedTransaction }),
    ...(payment.evidence === undefined ? {} : { evidence: payment.evidence }),
    ...(delivery
      ? {
          delivery: {
            httpStatus: delivery.httpStatus,
            delivered: delivery.delivered,
            contentSha256: delivery.contentSha256,
            bytes: delivery.bytes,
          },
        }
      : {}),
    overrun: payment.overrun,
  }
}
