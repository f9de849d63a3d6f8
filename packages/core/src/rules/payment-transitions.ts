import { accountRows, mapAccounts } from '../ledger/accounts.ts'
import type { AuditEvent } from '../ledger/audit-event.ts'
import type { Change, LedgerState, Scope } from '../ledger/ledger-state.ts'
import type { KnownMerchant } from '../ledger/merchant.ts'
import { type DelegatedState, type PayingState, payingState } from '../ledger/paying-state.ts'
import {
  type Content,
  type Delivery,
  type Evidence,
  isUnproven,
  type Payment,
  type PaymentSubject,
} from '../ledger/payment.ts'
import type { SecretOpening, SigningPurpose } from '../ledger/secret-opening.ts'
import type { Session } from '../ledger/session.ts'
import { formatAmount } from '../money/amount.ts'
import { addOverrun, releaseHold, settleHold } from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import { useOver } from '../signing/secret-use.ts'

/**
 * The arrows of a payment after its reservation, one function for each verb. All are pure. An event
 * that no longer applies changes nothing: proof may come first, and may come twice.
 */
type Arrow = Change<Payment>

/**
 * The wallet is about to open a secret, for a signature that may be made: of a payment that is
 * reserved, or of the cancellation of one that is not proved. Throws `secret_use_over` for any other.
 */
export function openSecret(
  loaded: LedgerState,
  purpose: SigningPurpose,
  { secret, version }: SecretOpening,
): Arrow {
  const { state, payment } = paymentOf(loaded)
  const mayBeSigned = purpose === 'payment' ? payment.state === 'reserved' : isUnproven(payment)
  if (!mayBeSigned) {
    throw useOver(`Payment ${payment.id} is ${payment.state} already.`)
  }
  return {
    result: payment,
    events: [{ type: 'secret-opened', ...subject(state, payment), purpose, secret, version }],
  }
}

/** The holder's wallet has signed. */
export function sign(loaded: LedgerState): Arrow {
  const { state, payment } = paymentOf(loaded)
  if (payment.state !== 'reserved') return unchanged(payment)
  const next: Payment = { ...payment, state: 'signed' }
  return {
    result: next,
    payments: [next],
    events: [{ type: 'payment-signed', ...subject(state, payment) }],
  }
}

/** The merchant says that it was paid. Budgets do not move: only proof moves them. */
export function claim(
  loaded: LedgerState,
  claimed: {
    readonly transaction?: string | undefined
    readonly delivery: Delivery
    readonly content?: Content | undefined
  },
  now: number,
): Arrow {
  const { state, payment } = paymentOf(loaded)
  const { transaction, delivery, content } = claimed
  const next: Payment = {
    ...payment,
    state: payment.state === 'reserved' || payment.state === 'signed' ? 'claimed' : payment.state,
    delivery,
    claimedAt: now,
    ...(transaction === undefined ? {} : { claimedTransaction: transaction }),
  }
  return {
    result: next,
    payments: [next],
    ...(content === undefined ? {} : { contents: [content] }),
    events: [
      {
        type: 'payment-claimed',
        ...subject(state, payment),
        ...(transaction === undefined ? {} : { transaction }),
        httpStatus: delivery.httpStatus,
        delivered: delivery.delivered,
        contentSha256: delivery.contentSha256,
        bytes: delivery.bytes,
      },
    ],
  }
}

/** There is no believable word on the outcome. The hold stays until the rail proves it. */
export function doubt(
  loaded: LedgerState,
  doubted: {
    readonly reason: string
    readonly delivery?: Delivery | undefined
    readonly content?: Content | undefined
  },
): Arrow {
  const { state, payment } = paymentOf(loaded)
  const { reason, delivery, content } = doubted
  const next: Payment = {
    ...payment,
    state: payment.state === 'reserved' || payment.state === 'signed' ? 'in_doubt' : payment.state,
    ...(delivery === undefined ? {} : { delivery }),
  }
  return {
    result: next,
    payments: [next],
    ...(content === undefined ? {} : { contents: [content] }),
    events: [
      {
        type: 'payment-doubted',
        ...subject(state, payment),
        reason,
        ...(delivery === undefined ? {} : { httpStatus: delivery.httpStatus }),
      },
    ],
  }
}

/** The process that holds the payment knows that nothing was signed. */
export function releaseUnsigned(loaded: LedgerState, reason: string, now: number): Arrow {
  const { state, payment } = paymentOf(loaded)
  if (payment.state !== 'reserved') return unchanged(payment)
  return released(state, payment, { by: 'holder', reason }, now)
}

/** The rail has proved that the payment can never settle. */
export function releaseProven(loaded: LedgerState, evidence: Evidence, now: number): Arrow {
  const { state, payment } = paymentOf(loaded)
  if (!isUnproven(payment)) return unchanged(payment)
  const { reason, block } = evidence
  return released(state, { ...payment, evidence }, { by: 'proof', reason, block }, now)
}

/**
 * The rail has proved that the payment settled. After a release this is an overrun: the money is
 * counted although nothing held it, and the session is locked until management has looked.
 */
export function settle(loaded: LedgerState, evidence: Evidence, now: number): Arrow {
  const { state, payment } = paymentOf(loaded)
  if (payment.state === 'settled') return unchanged(payment)
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
      ? addOverrun(limits, usage, amountMicro, now)
      : settleHold(usage, amountMicro, amountMicro),
  )
  const lock = isOverrun && accounts.session.lockedAt === undefined
  const session = lock ? { ...accounts.session, lockedAt: now } : accounts.session
  return {
    result: next,
    payments: [next],
    ...(isOverrun ? { merchants: [paidMerchant(state, next)] } : {}),
    ...accountRows({ ...accounts, session }),
    events: [
      {
        type: 'payment-settled',
        ...subject(state, payment),
        payee: payment.terms.payee,
        settled: formatAmount(amountMicro),
        overrun: isOverrun,
        ...(evidence.transaction === undefined ? {} : { transaction: evidence.transaction }),
        block: evidence.block,
        evidence: evidence.reason,
      },
      ...(lock ? [lockedEvent(session)] : []),
    ],
  }
}

function released(
  state: PayingState,
  payment: Payment,
  cause: { readonly by: 'holder' | 'proof'; readonly reason: string; readonly block?: string },
  now: number,
): Arrow {
  const next: Payment = { ...payment, state: 'released', provenAt: now }
  return {
    result: next,
    payments: [next],
    ...accountRows(
      mapAccounts(state, payment.terms, (limits, usage) =>
        releaseHold(limits, usage, payment.terms.amountMicro, payment.reservedAt),
      ),
    ),
    ...forgetMerchant(state),
    events: [
      {
        type: 'payment-released',
        ...subject(state, payment),
        payee: payment.terms.payee,
        ...cause,
      },
    ],
  }
}

/** What a commit on a payment is about. */
export function scopeOfPayment({ id, terms }: Payment): Scope {
  return { payment: id, host: terms.host, payee: terms.payee }
}

/** Reads the payment that an event is about, with the accounts that the payment is counted in. */
function paymentOf(loaded: LedgerState): {
  readonly state: PayingState
  readonly payment: Payment
} {
  const { payment } = loaded
  if (payment) return { state: payingState(loaded), payment }
  throw new BursarError('invariant_broken', 'The payment of this event is not in the ledger.')
}

function unchanged(payment: Payment): Arrow {
  return { result: payment, events: [] }
}

/** With its last payment gone, the merchant's payee is no longer pinned. */
function forgetMerchant(state: PayingState): { readonly merchants?: readonly KnownMerchant[] } {
  const { merchant } = state
  if (!merchant) return {}
  return { merchants: [{ ...merchant, payments: merchant.payments - 1 }] }
}

/** Who was paid after all is known again. A payee that was pinned since then stays pinned. */
function paidMerchant({ merchant }: PayingState, { delegation, terms }: Payment): KnownMerchant {
  const { host, payee } = terms
  const known =
    merchant && merchant.payments > 0 ? merchant : { delegation, host, payee, payments: 0 }
  return { ...known, payments: known.payments + 1 }
}

function lockedEvent(session: Session): AuditEvent {
  return {
    type: 'session-locked',
    session: session.id,
    delegation: session.delegation,
    reason: 'a payment settled after its hold had been released',
  }
}

/** What every event of a payment says about it. */
export function subject({ delegation }: DelegatedState, payment: Payment): PaymentSubject {
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
