import { type Denial, deny } from '../ledger/denial.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { type PayingState, payingState } from '../ledger/paying-state.ts'
import {
  isOpenPayment,
  isPaidPayment,
  isUndeliveredPayment,
  type KeyRecord,
  owedPayment,
  type Payment,
} from '../ledger/payment.ts'
import type { Session } from '../ledger/session.ts'
import { reservationPinKey } from './reservation.ts'

/** The number of refusals after which a key answers its last refusal without a new quote. */
export const MAX_REFUSALS_PER_KEY = 5

/** The answer that an earlier call with this key, or an identical request, has already got. */
export type EarlierAnswer =
  | { readonly kind: 'payment'; readonly payment: Payment }
  | { readonly kind: 'denied'; readonly denial: Denial }

/** A request that may have been paid for before. */
export interface RepeatableRequest {
  readonly hash: string
  readonly key?: string | undefined
  /** The price in micro-units; undefined as long as the merchant was not asked. */
  readonly amountMicro?: bigint | undefined
}

/**
 * Returns the answer that a key, or an identical request in the delegation, has already got, or undefined
 * if the request may be paid for.
 */
export function findEarlierAnswer(
  state: PayingState,
  request: RepeatableRequest,
  now: number,
): EarlierAnswer | undefined {
  const { session, twin } = state
  if (request.key !== undefined && state.key) {
    const known = findAnswerOfKey(state.key, state.payment, request.hash)
    if (known) return known
  }
  if (!twin) return undefined
  if (isOpenPayment(twin)) {
    return { kind: 'denied', denial: deny('duplicate_open', { cause: `payment ${twin.id}` }) }
  }
  if (owedPayment(twin) !== undefined) {
    return mayRepeatAnswer(twin, request, now) ? undefined : { kind: 'payment', payment: twin }
  }
  const own = twin.session === session.id ? twin : state.ownTwin
  return own && isPaidPayment(own) && isRecentAnswer(own, session, now)
    ? { kind: 'payment', payment: own }
    : undefined
}

/**
 * Records that an earlier payment answers a call: pins the key of the call, and notes the first answer. Results in
 * the answer. It is another one if the key was pinned meanwhile, by a call in another process.
 */
export function recordEarlierAnswer(
  loaded: LedgerState,
  request: { readonly hash: string; readonly key?: string | undefined },
  payment: Payment,
  now: number,
): Change<EarlierAnswer> {
  const { session, key: known, ...state } = payingState(loaded)
  const isTaken =
    request.key !== undefined && known?.payment !== undefined && known.payment !== payment.id
  const other = isTaken ? findAnswerOfKey(known, state.payment, request.hash) : undefined
  if (other) return { result: other, events: [] }
  const newest = [state.twin, state.ownTwin].find((one) => one?.id === payment.id)
  const first = newest && isUnanswered(newest) ? { ...newest, answeredAt: now } : undefined
  // A key belongs to its session, and so do the payments that keys are pinned to.
  const pins = known?.payment === undefined && payment.session === session.id
  const key = pins ? request.key : undefined
  const keys = reservationPinKey(session, { hash: request.hash, key }, payment.id)
  const subject = { session: session.id, delegation: session.delegation, payment: payment.id }
  return {
    result: { kind: 'payment', payment },
    ...(first ? { payments: [first] } : {}),
    ...(keys.length === 0 ? {} : { keys }),
    events: [
      ...(first ? [{ type: 'payment-answered', ...subject } as const] : []),
      ...(key === undefined ? [] : [{ type: 'key-pinned', ...subject, key } as const]),
    ],
  }
}

function findAnswerOfKey(
  record: KeyRecord,
  payment: Payment | undefined,
  requestHash: string,
): EarlierAnswer | undefined {
  if (payment) {
    if (payment.terms.requestHash === requestHash) return { kind: 'payment', payment }
    return { kind: 'denied', denial: deny('key_conflict', { cause: `payment ${payment.id}` }) }
  }
  const worn = record.refusals >= MAX_REFUSALS_PER_KEY
  return worn && record.lastRefusal ? { kind: 'denied', denial: record.lastRefusal } : undefined
}

/** Checks whether the end user has allowed an undelivered request once more, at this price. */
function mayRepeatAnswer(twin: Payment, { amountMicro }: RepeatableRequest, now: number): boolean {
  const isAllowed = twin.allowedAgainUntil !== undefined && now < twin.allowedAgainUntil
  return isAllowed && (amountMicro === undefined || amountMicro <= twin.terms.amountMicro)
}

/**
 * Checks whether a paid payment still answers its request. `repeatAfterMs` counts from the first answer
 * that said so, and until then the payment answers, however late the outcome was proved.
 */
function isRecentAnswer(payment: Payment, { repeatAfterMs }: Session, now: number): boolean {
  const toldAt = findAnswerTime(payment)
  return toldAt === undefined || now - toldAt < repeatAfterMs
}

/**
 * Checks whether a proof made a delivered payment paid, and no answer has said so. An undelivered payment
 * answers until the delegation ends, so its answers are not counted.
 */
function isUnanswered(payment: Payment): boolean {
  return (
    isPaidPayment(payment) &&
    !isUndeliveredPayment(payment) &&
    findAnswerTime(payment) === undefined
  )
}

/** Returns when a call was first told that a payment is paid, or undefined if none was. */
function findAnswerTime({ answeredAt, claimedAt }: Payment): number | undefined {
  return answeredAt ?? claimedAt
}
