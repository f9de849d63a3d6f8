import type { Payment, PaymentState } from '../ledger/payment.ts'
import { formatAmount } from '../money/amount.ts'

/** A payment as people and programs outside the guard read it. */
export interface PaymentSummary {
  readonly id: string
  readonly session: string
  readonly delegation: string
  readonly endUser: string
  readonly instrument: string
  readonly state: PaymentState
  /** Decimal strings in `currency`. */
  readonly amount: string
  readonly settled?: string
  readonly currency: string
  readonly merchant: string
  readonly payee: string
  readonly path: string
  /** The agent's words. */
  readonly purpose: string
  readonly network: string
  readonly asset: string
  /** ISO 8601, UTC. */
  readonly reservedAt: string
  readonly provenAt?: string
  /** What the merchant claimed; never evidence. */
  readonly claimedTransaction?: string
  /** Where the outcome can be checked by anyone. */
  readonly evidence?: {
    readonly transaction?: string
    readonly block: string
    readonly reason: string
  }
  readonly delivery?: {
    readonly httpStatus: number
    readonly delivered: boolean
    readonly contentSha256: string
    readonly bytes: number
  }
  readonly overrun: boolean
}

export function summaryOfPayment(payment: Payment): PaymentSummary {
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
