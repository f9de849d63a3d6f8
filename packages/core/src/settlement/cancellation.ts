import { z } from 'zod'
import type { CancellationAnswer, CancelledPayment } from '../guard/cancellation-answer.ts'
import type { Guard } from '../guard/guard.ts'
import type { AuditEvent } from '../ledger/audit-event.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { payingState } from '../ledger/paying-state.ts'
import { isUnproven, type Payment, unprovenStates } from '../ledger/payment.ts'
import { withinDeadline } from '../primitives/deadline.ts'
import { BursarError } from '../primitives/errors.ts'
import { nameField, pageCursorField, parseInput, textField } from '../primitives/fields.ts'
import { inTurns } from '../primitives/in-turns.ts'
import { standing } from '../rules/account-end.ts'
import { openSecret, subject } from '../rules/payment-transitions.ts'
import { cancellationGateway, NotSigned } from '../signing/signing-gateway.ts'
import { openPayment } from './reconcile.ts'

/** The target of a cancellation: one payment, or all open payments of a session or a delegation. */
export type CancelTarget =
  | { readonly payment: string }
  /**
   * The session whose own payments are cancelled. Child sessions are cancelled by their own ids.
   */
  | { readonly session: string }
  | { readonly delegation: string }

export interface CancelOptions {
  /** The reason, for the record. */
  readonly reason?: string | undefined
  /** The cursor of the last answer, to go on behind the payments that were tried by then. */
  readonly after?: string | undefined
}

/** The answers of the rails to a cancellation. They prove nothing: only proof ends a hold. */
export interface Cancellation {
  /** The payments that were tried, oldest first. */
  readonly payments: readonly CancelledPayment[]
  readonly asked: number
  readonly refused: number
  readonly unavailable: number
  readonly unknown: number
  /** A cursor to go on with. Absent if no payments are left. */
  readonly cursor?: string
}

/** The caller of a cancellation. Management cancels only where nothing new can be reserved. */
export type Canceller =
  | { readonly by: 'end_user'; readonly endUser: string }
  | { readonly by: 'manager' }

/** The most payments that one call cancels. Its cursor goes on behind them. */
const MAX_CANCELLED = 200

/** Payments that are asked about at the same time. */
const CONCURRENCY = 8

/** The longest wait for a rail's answer. After it the outcome is `unknown`. */
const CANCEL_TIMEOUT_MS = 45_000

/** The longest part of a rail's or a wallet's reason that is recorded, in characters. */
const MAX_REASON_LENGTH = 300

/** The schema of the target of `cancel`. */
export const cancelTargetInput: z.ZodType<CancelTarget> = z.union(
  [
    z.strictObject({ payment: nameField }),
    z.strictObject({ session: nameField }),
    z.strictObject({ delegation: nameField }),
  ],
  'must name one payment, one session or one delegation',
)

/** The schema of the options of `cancel`. */
export const cancelOptionsInput: z.ZodType<CancelOptions> = z.strictObject({
  reason: textField.optional(),
  after: pageCursorField.optional(),
})

/**
 * Asks the rails to cancel, a bounded number of payments at a time. Throws `payment_unknown`,
 * `session_unknown` or `delegation_unknown`, also if the target belongs to another end user.
 */
export async function cancelExposed(
  guard: Guard,
  canceller: Canceller,
  givenTarget: CancelTarget,
  givenOptions: CancelOptions = {},
): Promise<Cancellation> {
  const target = parseInput(cancelTargetInput, givenTarget, 'cancel')
  const { reason, after } = parseInput(cancelOptionsInput, givenOptions, 'cancel')
  await assertKnown(guard, canceller, target)
  const { ids, cursor } = await idsOf(guard, target, after)
  const payments = await inTurns(ids, CONCURRENCY, (id) => cancelOne(guard, canceller, id, reason))
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

/** Returns the payments to try, and the cursor to go on with if there may be more. */
async function idsOf(
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

/**
 * Throws if the target is unknown, because a mistyped id must not look like a target without
 * payments.
 */
async function assertKnown(
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
  // Another end user's target is answered like an unknown one, so that no caller learns foreign ids.
  const isTheirs = canceller.by === 'manager' || delegation?.endUser === canceller.endUser
  if (found && isTheirs) return
  throw new BursarError(`${what}_unknown`, `cancel: there is no ${what} called ${id}.`)
}

async function cancelOne(
  guard: Guard,
  canceller: Canceller,
  id: string,
  reason: string | undefined,
): Promise<CancelledPayment> {
  const requested = await guard.store.commit(
    { payment: id },
    (state, now) => requestedCancellation(state, canceller, reason, now),
    'now',
  )
  if ('refused' in requested) return { id, outcome: 'refused', reason: requested.refused }
  const answer = await askOnce(guard, requested.payment)
  const { reason: told, ...rest } = { reason: undefined, ...answer }
  const kept = {
    ...rest,
    ...(told === undefined ? {} : { reason: told.slice(0, MAX_REASON_LENGTH) }),
  }
  await guard.store
    .commit({ payment: id }, (state) => answeredCancellation(state, kept), 'now')
    // The network has been asked by now, even if the record of it cannot be written.
    .catch((error: unknown) => guard.background.run('record a cancellation', Promise.reject(error)))
  return { id, ...kept }
}

type Requested = { readonly payment: Payment } | { readonly refused: string }

/** Decides on the newest state whether the cancellation is allowed, and records the caller. */
function requestedCancellation(
  loaded: LedgerState,
  { by }: Canceller,
  reason: string | undefined,
  now: number,
): Change<Requested> {
  const { payment } = loaded
  if (!payment) throw new BursarError('payment_unknown', 'cancel: the payment does not exist.')
  const state = payingState(loaded)
  if (!isUnproven(payment)) {
    return { result: { refused: `It is ${payment.state}, by proof.` }, events: [] }
  }
  if (by === 'manager' && !standing(state, now)) {
    const refused = `Its session ${payment.session} can still pay. Revoke it first.`
    return { result: { refused }, events: [] }
  }
  const event: AuditEvent = {
    type: 'cancellation-requested',
    ...subject(state, payment),
    by,
    ...(reason === undefined ? {} : { reason }),
  }
  return { result: { payment }, events: [event] }
}

function answeredCancellation(loaded: LedgerState, answer: CancellationAnswer): Change<undefined> {
  const { payment } = loaded
  if (!payment) throw new BursarError('payment_unknown', 'cancel: the payment does not exist.')
  const state = payingState(loaded)
  const event: AuditEvent = { type: 'cancellation-answered', ...subject(state, payment), ...answer }
  return { result: undefined, events: [event] }
}

/**
 * Joins a cancellation of the payment that is in flight, because a second one would only cost gas.
 */
function askOnce(guard: Guard, payment: Payment): Promise<CancellationAnswer> {
  const { cancelling } = guard
  const known = cancelling.get(payment.id)
  if (known !== undefined) return known
  const asking = ask(guard, payment).finally(() => cancelling.delete(payment.id))
  cancelling.set(payment.id, asking)
  return asking
}

async function ask(guard: Guard, payment: Payment): Promise<CancellationAnswer> {
  const { terms, instrument } = payment
  const rail = guard.rails.find((one) => one.name === terms.rail)
  const wallet = guard.instruments.get(instrument)?.wallet
  const open = openPayment(guard.assets, payment)
  if (!rail || !open) return unavailable(`This guard has no rail for ${terms.network}.`)
  if (!wallet) return unavailable(`The wallet of ${instrument} is not in this process.`)
  if (!rail.cancelNetworks.includes(terms.network)) {
    return unavailable(`The rail has no way to cancel on ${terms.network}.`)
  }
  try {
    const sign = cancellationGateway(wallet, payment, open.asset, (opening) =>
      guard.store.commit(
        { payment: payment.id },
        (state) => openSecret(state, 'cancellation', opening),
        'now',
      ),
    )
    return await withinDeadline(rail.cancel(open, sign), CANCEL_TIMEOUT_MS)
  } catch (error) {
    if (error instanceof NotSigned) return unavailable(`The wallet did not sign: ${error.code}.`)
    const told = BursarError.isInstance(error) ? `${error.code}: ${error.message}` : 'it failed'
    return { outcome: 'unknown', reason: told }
  }
}

function unavailable(reason: string): CancellationAnswer {
  return { outcome: 'unavailable', reason }
}
