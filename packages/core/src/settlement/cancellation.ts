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

/** What is to be cancelled: one payment, or everything that is open of a session or a permission. */
export type CancelTarget =
  | { readonly payment: string }
  /** Its own payments; sessions below it are cancelled by their own ids. */
  | { readonly session: string }
  | { readonly delegation: string }

export interface CancelOptions {
  /** Why, for the record. */
  readonly reason?: string | undefined
  /** The cursor of the last answer: goes on behind what was tried by then. */
  readonly after?: string | undefined
}

/** What was asked for, and what the rails answered. Never proof: a hold ends by proof only. */
export interface Cancellation {
  /** Those that were tried, oldest first. */
  readonly payments: readonly CancelledPayment[]
  readonly asked: number
  readonly refused: number
  readonly unavailable: number
  readonly unknown: number
  /** Leads on, where there may be more than one answer covers. */
  readonly cursor?: string
}

/** Who asks. Management only cancels what can no longer be reserved anew. */
export type Canceller =
  | { readonly by: 'end_user'; readonly endUser: string }
  | { readonly by: 'manager' }

/** Most payments that one call asks for; its cursor goes on behind them. */
const MAX_CANCELLED = 200

/** Payments that are asked about at the same time. */
const CONCURRENCY = 8

/** A rail that has not answered in this time may have asked the network, or not. */
const CANCEL_TIMEOUT_MS = 45_000

/** Longest part of a rail's or a wallet's reason that is kept. */
const MAX_REASON_LENGTH = 300

/** What `cancel` takes. */
export const cancelTargetInput: z.ZodType<CancelTarget> = z.union(
  [
    z.strictObject({ payment: nameField }),
    z.strictObject({ session: nameField }),
    z.strictObject({ delegation: nameField }),
  ],
  'must name one payment, one session or one delegation',
)

/** How `cancel` is asked, besides its target. */
export const cancelOptionsInput: z.ZodType<CancelOptions> = z.strictObject({
  reason: textField.optional(),
  after: pageCursorField.optional(),
})

/**
 * Asks the rails to cancel, a bounded number at a time. Throws `payment_unknown`, `session_unknown`
 * or `delegation_unknown`, also for what is another's.
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

/** What is to be tried, and where to go on if that is not everything. */
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

/** A mistyped id, which would cancel nothing, must not look like nothing to cancel. */
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
  // Another's is answered like one that does not exist: nobody learns others' ids.
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
    // The network has been asked, whether that can be written or not.
    .catch((error: unknown) => guard.background.run('record a cancellation', Promise.reject(error)))
  return { id, ...kept }
}

type Requested = { readonly payment: Payment } | { readonly refused: string }

/** Whether it may be asked for, by the newest state; and the record of who asked. */
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

/** While it is being asked, everybody hears the same: a second request would cost gas, and change nothing. */
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
