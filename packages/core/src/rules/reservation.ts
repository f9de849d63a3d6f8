import { type Approval, approvalStanding } from '../ledger/approval.ts'
import type { AuditEvent } from '../ledger/audit-event.ts'
import type { LedgerState } from '../ledger/ledger-state.ts'
import type { PayingState } from '../ledger/paying-state.ts'
import { type KeyRecord, owedPayment, type Payment, type Terms } from '../ledger/payment.ts'
import type { Session } from '../ledger/session.ts'
import { formatAmount } from '../money/amount.ts'
import { remainingLimitMicro } from '../money/limits.ts'
import type { Policy } from '../ports/policy.ts'
import { PAYMENT_TOKEN_LIFE_MS } from '../signing/payment-token.ts'
import { paymentSubject } from './payment-transitions.ts'

/** The payer of an offer, and what it holds. */
export interface Funds {
  readonly payer: string
  /** The payer's balance in atomic units of the asset; undefined if it could not be read. */
  readonly balanceAtomic: bigint | undefined
  /** The reason why it could not be read. */
  readonly unread?:
    | { readonly code: 'wallet_unavailable' | 'network_unavailable'; readonly cause: string }
    | undefined
}

/** The payment that a call asks for, with all that the decision needs besides the ledger. */
export interface Intent extends Funds {
  readonly paymentId: string
  /** The id of the approval, if a human has to be asked. */
  readonly approvalId: string
  readonly nonce: `0x${string}`
  readonly tokenHash: string
  readonly terms: Terms
  readonly termsHash: string
  readonly method: string
  readonly path: string
  /** False if the caller sends the request itself: the host is the caller's word, and only payees count. */
  readonly isDialled: boolean
  readonly purpose: string
  /** The host that the challenge itself names, if it is another one than `terms.host`. */
  readonly claimedHost?: string | undefined
  /** The time for which the payload is valid, counted from the reservation. */
  readonly validForSeconds: number
  readonly key?: string | undefined
  readonly maxMicro?: bigint | undefined
  readonly policies: readonly Policy[]
  readonly ignoredArguments: readonly string[]
}

/** Returns the reserved payment of an intent. */
export function createReservedPayment(
  { session, delegation, twin }: PayingState,
  intent: Intent,
  now: number,
): Payment {
  const repeats = twin && owedPayment(twin)
  const validBefore = Math.floor(now / 1_000) + intent.validForSeconds
  return {
    id: intent.paymentId,
    session: session.id,
    delegation: delegation.id,
    endUser: delegation.endUser,
    instrument: delegation.instrument,
    ...(intent.key === undefined ? {} : { key: intent.key }),
    state: 'reserved',
    terms: intent.terms,
    termsHash: intent.termsHash,
    payer: intent.payer,
    nonce: intent.nonce,
    path: intent.path,
    purpose: intent.purpose,
    tokenHash: intent.tokenHash,
    reservedAt: now,
    tokenExpiresAt: Math.min(now + PAYMENT_TOKEN_LIFE_MS, validBefore * 1_000),
    validBefore,
    overrun: false,
    ...(repeats === undefined ? {} : { repeats }),
  }
}

/** Returns the row that pins a call's key to a payment, or none if the call has no key. */
export function reservationPinKey(
  session: Session,
  { hash, key }: { readonly hash: string; readonly key?: string | undefined },
  payment: string,
): readonly KeyRecord[] {
  if (key === undefined) return []
  return [{ session: session.id, key, requestHash: hash, payment, refusals: 0 }]
}

/** Returns the audit record of a reservation. */
export function reservationEvent(after: PayingState, payment: Payment, intent: Intent): AuditEvent {
  const { session, delegation } = after
  const { terms } = payment
  return {
    type: 'payment-reserved',
    ...paymentSubject(after, payment),
    instrument: payment.instrument,
    rail: terms.rail,
    scheme: terms.scheme,
    network: terms.network,
    asset: terms.asset,
    atomic: terms.atomic.toString(),
    payee: terms.payee,
    payer: payment.payer,
    path: payment.path,
    purpose: payment.purpose,
    ...(intent.claimedHost === undefined ? {} : { claimedHost: intent.claimedHost }),
    requestHash: terms.requestHash,
    termsHash: payment.termsHash,
    ...(payment.repeats === undefined ? {} : { repeats: payment.repeats }),
    ...(payment.key === undefined ? {} : { key: payment.key }),
    nonce: payment.nonce,
    tokenHash: payment.tokenHash,
    tokenExpiresAt: payment.tokenExpiresAt,
    validBefore: payment.validBefore,
    policies: intent.policies.map((policy) => policy.name),
    sessionRemaining: formatAmount(remainingLimitMicro(session.limits, session.usage)),
    delegationRemaining: formatAmount(remainingLimitMicro(delegation.limits, delegation.usage)),
    ...(after.endUser
      ? {
          endUserRemaining: formatAmount(
            remainingLimitMicro(after.endUser.limits, after.endUser.usage),
          ),
        }
      : {}),
    ...(intent.ignoredArguments.length === 0 ? {} : { ignoredArguments: intent.ignoredArguments }),
  }
}

/** Returns the approval that a payment uses up, or undefined if no approval is open. */
export function useApprovalForReservation(
  state: LedgerState,
  payment: Payment,
  now: number,
): Approval | undefined {
  const { approval } = state
  const open = approval && approvalStanding(approval, now) === 'approved'
  return open ? { ...approval, state: 'used', payment: payment.id } : undefined
}

/** Returns the record of a used approval. */
export function reservationApprovalEvent(approval: Approval, payment: Payment): AuditEvent {
  const { id, session, delegation } = approval
  return { type: 'approval-used', approval: id, session, delegation, payment: payment.id }
}
