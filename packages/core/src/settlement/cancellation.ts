import { z } from 'zod'
import type { CancellationAnswer, CancelledPayment } from '../guard/cancellation-answer.ts'
import type { Guard } from '../guard/guard.ts'
import type { AuditEvent } from '../ledger/audit-event.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { payingState } from '../ledger/paying-state.ts'
import { isUnprovenPayment, type Payment, unprovenStates } from '../ledger/payment.ts'
import { withinDeadline } from '../primitives/deadline.ts'
import { BursarError } from '../primitives/errors.ts'
import { nameField, pageCursorField, parseInputFields, textField } from '../primitives/fields.ts'
import { inTurns } from '../primitives/in-turns.ts'
import { findAccountEnd } from '../rules/account-end.ts'
import {
  answerPaymentCancellation,
  openPaymentSecret,
  paymentSubject,
} from '../rules/payment-transitions.ts'
import { cancellationGateway, NotSigned } from '../signing/signing-gateway.ts'
import { describeUnreconciledPayment } from './reconcile.ts'

/** The target of `cancel`: one payment, or every open payment of a session or a delegation. */
export type CancelTarget =
  | { readonly payment: string }
  /** The session's own payments. Sessions below it are cancelled by their own ids. */
  | { readonly session: string }
  | { readonly delegation: string }

/** The options of `cancel`. */
export interface CancelOptions {
  /** The reason, for the audit record. */
  readonly reason?: string | undefined
  /** The cursor of the last answer. The next payments are tried. */
  readonly after?: string | undefined
}

/** The rails' answers to requests to cancel. They prove nothing: a hold ends by proof only. */
export interface Cancellation {
  /** The payments that were tried, oldest first. */
  readonly payments: readonly CancelledPayment[]
  readonly asked: number
  readonly refused: number
  readonly unavailable: number
  readonly unknown: number
  /** The cursor for `after`. Absent if the answer covers all payments. */
  readonly cursor?: string
}

/** The caller of `cancel`. A manager cancels only in sessions that have ended. */
export type Canceller =
  | { readonly by: 'end_user'; readonly endUser: string }
  | { readonly by: 'manager' }

/** The most payments that one call tries. Its cursor continues after them. */
const MAX_CANCELLED = 200

/** The number of payments whose cancellation is requested at the same time. */
const CONCURRENCY = 8

/** The longest time for a rail. After it, the network may have got the cancellation, or not. */
const CANCEL_TIMEOUT_MS = 45_000

/** The longest part of a rail's or a wallet's reason that is recorded, in characters. */
const MAX_REASON_LENGTH = 300

/** The schema of `cancel`'s target. */
export const cancelTargetInput: z.ZodType<CancelTarget> = z.union(
  [
    z.strictObject({ payment: nameField }),
    z.strictObject({ session: nameField }),
    z.strictObject({ delegation: nameField }),
  ],
  'must name one payment, one session or one delegation',
)

/** The schema of `cancel`'s options. */
export const cancelOptionsInput: z.ZodType<CancelOptions> = z.strictObject({
  reason: textField.optional(),
  after: pageCursorField.optional(),
})

/**
 * Asks the rails to cancel, a bounded number of payments at a time. Throws `payment_unknown`,
 * `session_unknown` or `delegation_unknown`, also for a target of another end user.
 */
export async function cancelExposedPayments(
  guard: Guard,
  canceller: Canceller,
  givenTarget: CancelTarget,
  givenOptions: CancelOptions = {},
): Promise<Cancellation> {
  const target = parseInputFields(cancelTargetInput, givenTarget, 'cancel')
  const { reason, after } = parseInputFields(cancelOptionsInput, givenOptions, 'cancel')
  await assertCancellationTarget(guard, canceller, target)
  const { ids, cursor } = await listCancellationTargets(guard, target, after)
  const payments = await inTurns(ids, CONCURRENCY, (id) =>
    cancelOnePayment(guard, canceller, id, reason),
  )
  const count = (outcome: CancelledPayment['outcome']): number =>
    payments.filter((one) => one.outcome === outcome).length
  return {
    payments,
    asked: count('asked'),
    refused: count('refused'),
    unavailable: count('unavailable'),
    unknown: count('unknown'),
    ...(cursor === undefined ? {} : { cursor }),
  }
}

/** Lists the payments to try, with a cursor if there may be more. */
async function listCancellationTargets(
  { store }: Guard,
  target: CancelTarget,
  after: string | undefined,
): Promise<{ readonly ids: readonly string[]; readonly cursor?: string | undefined }> {
  if ('payment' in target) return { ids: [target.payment] }
  const filter = { ...target, states: unprovenStates }
  const { rows, cursor } = await store.payments(filter, { after, limit: MAX_CANCELLED })
  const ids = rows.map(({ id }) => id)
  return rows.length < MAX_CANCELLED ? { ids } : { ids, cursor }
}

/** Throws if the target does not exist: a mistyped id must not look like an account without payments. */
async function assertCancellationTarget(
  { store }: Guard,
  canceller: Canceller,
  target: CancelTarget,
): Promise<void> {
  const { payment, session, delegation } = await store.read(target)
  const [what, id, found] =
    'payment' in target
      ? ['payment', target.payment, payment]
      : 'session' in target
        ? ['session', target.session, session]
        : ['delegation', target.delegation, delegation]
  // A target of another end user is answered like a missing one, which hides its id.
  const isTheirs = canceller.by === 'manager' || delegation?.endUser === canceller.endUser
  if (found && isTheirs) return
  throw new BursarError(`${what}_unknown`, `cancel: there is no ${what} called ${id}.`)
}

async function cancelOnePayment(
  guard: Guard,
  canceller: Canceller,
  id: string,
  reason: string | undefined,
): Promise<CancelledPayment> {
  const requested = await guard.store.commit(
    { payment: id },
    (state, now) => requestCancellation(state, canceller, reason, now),
    'now',
  )
  if ('refused' in requested) return { id, outcome: 'refused', reason: requested.refused }
  const answer = await askRailToCancelOnce(guard, requested.payment)
  const { reason: longReason, ...rest } = { reason: undefined, ...answer }
  const kept = {
    ...rest,
    ...(longReason === undefined ? {} : { reason: longReason.slice(0, MAX_REASON_LENGTH) }),
  }
  await guard.store
    .commit({ payment: id }, (state, now) => answerPaymentCancellation(state, kept, now), 'now')
    // The network has been asked, even if that cannot be written.
    .catch((error: unknown) => guard.background.run('record a cancellation', Promise.reject(error)))
  return { id, ...kept }
}

type Requested = { readonly payment: Payment } | { readonly refused: string }

/** Checks by the newest state whether the payment may be cancelled, and records who asked. */
function requestCancellation(
  loaded: LedgerState,
  { by }: Canceller,
  reason: string | undefined,
  now: number,
): Change<Requested> {
  const { payment } = loaded
  if (!payment) throw new BursarError('payment_unknown', 'cancel: the payment does not exist.')
  const state = payingState(loaded)
  if (!isUnprovenPayment(payment)) {
    return { result: { refused: `It is ${payment.state}, by proof.` }, events: [] }
  }
  if (by === 'manager' && !findAccountEnd(state, now)) {
    const refused = `Its session ${payment.session} can still pay. Revoke it first.`
    return { result: { refused }, events: [] }
  }
  const event: AuditEvent = {
    type: 'cancellation-requested',
    ...paymentSubject(state, payment),
    by,
    ...(reason === undefined ? {} : { reason }),
  }
  return { result: { payment }, events: [event] }
}

/** Asks the rail, or joins the request in flight: a second request would cost gas and change nothing. */
function askRailToCancelOnce(guard: Guard, payment: Payment): Promise<CancellationAnswer> {
  const { cancelling } = guard
  const known = cancelling.get(payment.id)
  if (known !== undefined) return known
  const asking = askRailToCancel(guard, payment).finally(() => cancelling.delete(payment.id))
  cancelling.set(payment.id, asking)
  return asking
}

async function askRailToCancel(guard: Guard, payment: Payment): Promise<CancellationAnswer> {
  const { terms, instrument } = payment
  const rail = guard.rails.find((one) => one.name === terms.rail)
  const wallet = guard.instruments.get(instrument)?.wallet
  const open = describeUnreconciledPayment(guard.assets, payment)
  if (!rail || !open)
    return unavailableCancellationAnswer(`This guard has no rail for ${terms.network}.`)
  if (!wallet)
    return unavailableCancellationAnswer(`The wallet of ${instrument} is not in this process.`)
  if (!rail.cancelNetworks.includes(terms.network)) {
    return unavailableCancellationAnswer(`The rail has no way to cancel on ${terms.network}.`)
  }
  try {
    const sign = cancellationGateway(wallet, payment, open.asset, (opening) =>
      guard.store.commit(
        { payment: payment.id },
        (state) => openPaymentSecret(state, 'cancellation', opening),
        'now',
      ),
    )
    return await withinDeadline(rail.cancel(open, sign), CANCEL_TIMEOUT_MS)
  } catch (error) {
    if (error instanceof NotSigned)
      return unavailableCancellationAnswer(`The wallet did not sign: ${error.code}.`)
    const reason = BursarError.isInstance(error) ? `${error.code}: ${error.message}` : 'it failed'
    return { outcome: 'unknown', reason }
  }
}

function unavailableCancellationAnswer(reason: string): CancellationAnswer {
  return { outcome: 'unavailable', reason }
}
