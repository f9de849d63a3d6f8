import type { CancellationAnswer } from '../guard/cancellation-answer.ts'
import { accountRows, mapAccounts } from '../ledger/accounts.ts'
import type { AuditEvent } from '../ledger/audit-event.ts'
import type { Change, LedgerState, Scope } from '../ledger/ledger-state.ts'
import { type DelegatedState, type PayingState, payingState } from '../ledger/paying-state.ts'
import {
  type Content,
  type Delivery,
  type Evidence,
  isUnprovenPayment,
  type Payment,
  type PaymentSubject,
} from '../ledger/payment.ts'
import type { SecretOpening, SigningPurpose } from '../ledger/secret-opening.ts'
import type { Session } from '../ledger/session.ts'
import { formatAmount } from '../money/amount.ts'
import { addOverrunToLimits, releaseHoldFromLimits, settleHoldInLimits } from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import { useOver } from '../signing/secret-use.ts'
import { countMerchant } from './merchant-count.ts'

/**
 * A payment's change after its reservation. There is one pure function for each verb. An event that no
 * longer applies changes nothing, because proof may come first, and may come twice.
 */
type PaymentChange = Change<Payment>

/**
 * Records that the wallet opens a secret to sign a reserved payment, or the cancellation of an unproven
 * one. Throws `secret_use_over` if the payment is in another state.
 */
export function openPaymentSecret(
  loaded: LedgerState,
  purpose: SigningPurpose,
  { secret, version }: SecretOpening,
): PaymentChange {
  const { state, payment } = readPayment(loaded)
  const mayBeSigned =
    purpose === 'payment' ? payment.state === 'reserved' : isUnprovenPayment(payment)
  if (!mayBeSigned) {
    throw useOver(`Payment ${payment.id} is ${payment.state} already.`)
  }
  return {
    result: payment,
    events: [
      { type: 'secret-opened', ...paymentSubject(state, payment), purpose, secret, version },
    ],
  }
}

/** Records that the wallet has signed. */
export function signPayment(loaded: LedgerState): PaymentChange {
  const { state, payment } = readPayment(loaded)
  if (payment.state !== 'reserved') return keepPayment(payment)
  const next: Payment = { ...payment, state: 'signed' }
  return {
    result: next,
    payments: [next],
    events: [{ type: 'payment-signed', ...paymentSubject(state, payment) }],
  }
}

/** Records that the merchant says it was paid. Budgets stay as they are: only proof moves them. */
export function claimPayment(
  loaded: LedgerState,
  claimed: {
    readonly transaction?: string | undefined
    readonly delivery: Delivery
    readonly content?: Content | undefined
    /** When the merchant's answer came, in milliseconds since the epoch. The commit may run a moment later. */
    readonly heardAt: number
  },
  now: number,
): PaymentChange {
  const { state, payment } = readPayment(loaded)
  const { transaction, delivery, content } = claimed
  const claimedAt = Math.min(claimed.heardAt, now)
  const next: Payment = {
    ...payment,
    state: payment.state === 'reserved' || payment.state === 'signed' ? 'claimed' : payment.state,
    delivery,
    claimedAt,
    ...(transaction === undefined ? {} : { claimedTransaction: transaction }),
  }
  return {
    result: next,
    payments: [next],
    ...countMerchant(state.merchant, payment, next),
    ...(content === undefined ? {} : { contents: [content] }),
    events: [
      {
        type: 'payment-claimed',
        ...paymentSubject(state, payment),
        ...(transaction === undefined ? {} : { transaction }),
        httpStatus: delivery.httpStatus,
        delivered: delivery.delivered,
        contentSha256: delivery.contentSha256,
        bytes: delivery.bytes,
        claimedAt,
      },
    ],
  }
}

/** Records that no believable claim came. The hold stays until the rail proves the outcome. */
export function doubtPayment(
  loaded: LedgerState,
  doubted: {
    readonly reason: string
    readonly delivery?: Delivery | undefined
    readonly content?: Content | undefined
  },
): PaymentChange {
  const { state, payment } = readPayment(loaded)
  const { reason, delivery, content } = doubted
  const next: Payment = {
    ...payment,
    state: payment.state === 'reserved' || payment.state === 'signed' ? 'in_doubt' : payment.state,
    ...(delivery === undefined ? {} : { delivery }),
  }
  return {
    result: next,
    payments: [next],
    ...countMerchant(state.merchant, payment, next),
    ...(content === undefined ? {} : { contents: [content] }),
    events: [
      {
        type: 'payment-doubted',
        ...paymentSubject(state, payment),
        reason,
        ...(delivery === undefined ? {} : { httpStatus: delivery.httpStatus }),
      },
    ],
  }
}

/** Releases a payment whose holding process knows that no signature was made. */
export function releaseUnsignedPayment(
  loaded: LedgerState,
  reason: string,
  now: number,
): PaymentChange {
  const { state, payment } = readPayment(loaded)
  if (payment.state !== 'reserved') return keepPayment(payment)
  return releasePayment(state, payment, { by: 'holder', reason }, now)
}

/**
 * Records the rail's answer to a cancellation. If the network has the cancellation, or may have it, the
 * payment may be released by proof before the end of its validity.
 */
export function answerPaymentCancellation(
  loaded: LedgerState,
  answer: CancellationAnswer,
  now: number,
): PaymentChange {
  const { state, payment } = readPayment(loaded)
  const change: PaymentChange = {
    result: payment,
    events: [{ type: 'cancellation-answered', ...paymentSubject(state, payment), ...answer }],
  }
  if (!mayCancelPayment(answer.outcome)) return change
  const next: Payment = { ...payment, cancellationAskedAt: now }
  return { ...change, result: next, payments: [next] }
}

/** Checks whether the network may have a cancellation, by the rail's answer to the request. */
export function mayCancelPayment(outcome: CancellationAnswer['outcome']): boolean {
  return outcome === 'asked' || outcome === 'unknown'
}

/**
 * Releases a payment that the rail has proved can never settle. The payment stays as it is while the
 * guard's own clock says that its signature is valid, unless a cancellation is on record: no rail and
 * no endpoint alone can end a hold early.
 */
export function releaseProvenPayment(
  loaded: LedgerState,
  evidence: Evidence,
  now: number,
): PaymentChange {
  const { state, payment } = readPayment(loaded)
  if (!isUnprovenPayment(payment)) return keepPayment(payment)
  const isValid = now < payment.validBefore * 1_000
  if (isValid && payment.cancellationAskedAt === undefined) return keepPayment(payment)
  const { reason, block } = evidence
  return releasePayment(state, { ...payment, evidence }, { by: 'proof', reason, block }, now)
}

/**
 * Settles a payment that the rail has proved settled. After a release this is an overrun: the amount is
 * counted without a hold, and the session is locked until management unlocks it.
 */
export function settlePayment(loaded: LedgerState, evidence: Evidence, now: number): PaymentChange {
  const { state, payment } = readPayment(loaded)
  if (payment.state === 'settled') return keepPayment(payment)
  const isOverrun = payment.state === 'released'
  const { amountMicro } = payment.terms
  const next: Payment = {
    ...payment,
    state: 'settled',
    settledMicro: amountMicro,
    evidence,
    provenAt: now,
    overrun: isOverrun,
  }
  const accounts = mapAccounts(state, payment.terms, (limits, usage) =>
    isOverrun
      ? addOverrunToLimits(limits, usage, amountMicro, now)
      : settleHoldInLimits(usage, amountMicro, amountMicro),
  )
  const lock = isOverrun && accounts.session.lockedAt === undefined
  const session = lock ? { ...accounts.session, lockedAt: now } : accounts.session
  return {
    result: next,
    payments: [next],
    ...countMerchant(state.merchant, payment, next),
    ...accountRows({ ...accounts, session }),
    events: [
      {
        type: 'payment-settled',
        ...paymentSubject(state, payment),
        payee: payment.terms.payee,
        settled: formatAmount(amountMicro),
        overrun: isOverrun,
        ...(evidence.transaction === undefined ? {} : { transaction: evidence.transaction }),
        block: evidence.block,
        evidence: evidence.reason,
      },
      ...(lock ? [paymentSessionLockedEvent(session)] : []),
    ],
  }
}

function releasePayment(
  state: PayingState,
  payment: Payment,
  cause: { readonly by: 'holder' | 'proof'; readonly reason: string; readonly block?: string },
  now: number,
): PaymentChange {
  const next: Payment = { ...payment, state: 'released', provenAt: now }
  return {
    result: next,
    payments: [next],
    ...accountRows(
      mapAccounts(state, payment.terms, (limits, usage) =>
        releaseHoldFromLimits(limits, usage, payment.terms.amountMicro, payment.reservedAt),
      ),
    ),
    ...countMerchant(state.merchant, payment, next),
    events: [
      {
        type: 'payment-released',
        ...paymentSubject(state, payment),
        payee: payment.terms.payee,
        ...cause,
      },
    ],
  }
}

/** Returns the scope of a commit on a payment. */
export function scopeOfPayment({ id, terms }: Payment): Scope {
  return { payment: id, host: terms.host, payee: terms.payee }
}

/** Reads the payment that an event is about, with the accounts that the payment is counted in. */
function readPayment(loaded: LedgerState): {
  readonly state: PayingState
  readonly payment: Payment
} {
  const { payment } = loaded
  if (payment) return { state: payingState(loaded), payment }
  throw new BursarError('invariant_broken', 'The payment of this event is not in the ledger.')
}

function keepPayment(payment: Payment): PaymentChange {
  return { result: payment, events: [] }
}

function paymentSessionLockedEvent(session: Session): AuditEvent {
  return {
    type: 'session-locked',
    session: session.id,
    delegation: session.delegation,
    reason: 'a payment settled after its hold had been released',
  }
}

/** Returns the fields that every record of a payment has. */
export function paymentSubject({ delegation }: DelegatedState, payment: Payment): PaymentSubject {
  return {
    payment: payment.id,
    session: payment.session,
    delegation: payment.delegation,
    endUser: payment.endUser,
    agent: delegation.agent,
    amount: formatAmount(payment.terms.amountMicro),
    currency: payment.terms.currency,
    host: payment.terms.host,
  }
}
