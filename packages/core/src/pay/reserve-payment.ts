import { recordTelemetryAmount, runInTelemetrySpan } from '../guard/telemetry.ts'
import { spendableAccountMicro } from '../ledger/accounts.ts'
import type { Change } from '../ledger/ledger-state.ts'
import { withinDeadline } from '../primitives/deadline.ts'
import { BursarError } from '../primitives/errors.ts'
import { newId } from '../primitives/id.ts'
import { type Decision, decidePayment } from '../rules/decide.ts'
import type { Funds, Intent } from '../rules/reservation.ts'
import type { PayResult } from '../session/pay-result.ts'
import { PaymentToken } from '../signing/payment-token.ts'
import { callScope, type OpenCall, replayPaymentOfCall } from './call-context.ts'
import type { ChosenOffer } from './choose-offer.ts'
import { chooseFundedOffer } from './funded-offer.ts'
import type { HeldPayment } from './held-payment.ts'
import { isDialledRequest } from './request.ts'
import { recordFailedRequest } from './request-record.ts'
import { askedResult, deniedResult, failedResult, toResultMoney } from './results.ts'
import { createTerms, createTermsNonce, hashTerms } from './terms.ts'

/** The time for which a reservation that lacks budget waits for proof to release holds. */
const RECONCILE_WAIT_MS = 2_000

/**
 * The most that the ledger's time may be ahead of the clock: as much as servers' clocks may differ.
 */
const MAX_CLOCK_LEAD_MS = 60_000

/** A call with its intent, ready for the reserving commit. */
export interface PreparedCall {
  readonly intent: Intent
  readonly chosen: ChosenOffer
  readonly token: PaymentToken
}

/**
 * Creates the intent of the offer that can be paid, with a payment token that is invalid until the reservation.
 * `offers` are the cheapest first.
 */
export async function prepareReservation(
  context: OpenCall,
  offers: readonly ChosenOffer[],
): Promise<PreparedCall> {
  const token = new PaymentToken()
  const { chosen, funds } = await chooseFundedOffer(context, offers)
  return { chosen, token, intent: createReservationIntent(context, chosen, funds, token) }
}

function createReservationIntent(
  context: OpenCall,
  chosen: ChosenOffer,
  funds: Funds,
  token: PaymentToken,
): Intent {
  const { guard, request, key, ignored } = context
  const terms = createTerms(chosen, request)
  const paymentId = newId('pay')
  return {
    paymentId,
    approvalId: newId('apr'),
    nonce: createTermsNonce(paymentId),
    tokenHash: token.hash,
    terms,
    termsHash: hashTerms(terms),
    method: request.method,
    path: request.url.pathname,
    isDialled: isDialledRequest(request),
    purpose: request.purpose,
    claimedHost: chosen.offer.claimedHost,
    validForSeconds: chosen.offer.validForSeconds,
    ...funds,
    key,
    maxMicro: request.maxMicro,
    policies: guard.policies,
    ignoredArguments: ignored,
  }
}

/** Decides and reserves (step 6). An abort is honoured up to here, and never after. */
export async function holdPayment(
  context: OpenCall,
  prepared: PreparedCall,
): Promise<HeldPayment | PayResult> {
  const { call } = context
  const { intent } = prepared
  await awaitReservableBudget(context, intent)
  if (call.signal?.aborted) {
    recordFailedRequest(context, 'aborted')
    return failedResult('The call was stopped before anything was paid.')
  }
  const decision = await commitPaymentReservation(context, intent, (change) => change)
  if (decision.kind !== 'reserved') return answerReservationDecision(context, decision)
  const { currency, host } = intent.terms
  recordTelemetryAmount(context.active, intent.terms.amountMicro, currency, host)
  const remaining = toResultMoney(decision.remainingMicro, currency)
  return { ...context, ...prepared, payment: decision.payment, remaining }
}

/** Commits the decision about an intent. `kept` may drop a part of the change, as a quote does. */
export function commitPaymentReservation(
  context: OpenCall,
  intent: Intent,
  kept: (change: Change<Decision>) => Change<Decision>,
): Promise<Decision> {
  const { termsHash: hash, terms } = intent
  const scope = { ...callScope(context, context.request), payee: terms.payee, termsHash: hash }
  return runInTelemetrySpan('bursar.reserve', {}, () =>
    context.guard.store.commit(
      scope,
      (state, now) => {
        assertReservationClock(now, context.guard.store.now())
        return kept(decidePayment(state, intent, now))
      },
      'now',
    ),
  )
}

/**
 * Throws `clock_behind` if the ledger's time, which never runs back, is far ahead of this clock: a
 * signature would be valid for as much longer.
 */
function assertReservationClock(now: number, clock: number): void {
  if (now - clock <= MAX_CLOCK_LEAD_MS) return
  const lead = Math.round((now - clock) / 1_000)
  const message = `The ledger was last written ${lead} s ahead of this clock. Set the clocks right.`
  throw new BursarError('clock_behind', message)
}

/** Returns the result of a decision that reserved nothing. */
export async function answerReservationDecision(
  context: OpenCall,
  decision: Exclude<Decision, { readonly kind: 'reserved' }>,
): Promise<PayResult> {
  if (decision.kind === 'replayed') return replayPaymentOfCall(context, decision.payment)
  const { currency } = context.state.session.limits
  const remaining = toResultMoney(decision.remainingMicro, currency)
  return decision.kind === 'asked'
    ? askedResult(decision.approval, decision.denial, remaining)
    : deniedResult(decision.denial, remaining)
}

/** Starts to reconcile if only holds stand in the way, and waits a bounded time for proof. */
async function awaitReservableBudget(context: OpenCall, intent: Intent): Promise<void> {
  const { guard, state } = context
  const { delegation } = state
  const missing = intent.terms.amountMicro - spendableAccountMicro(state)
  if (missing <= 0n || missing > delegation.usage.heldMicro) return
  const reconciling = guard.reconciler.soon(delegation.id)
  guard.background.run('reconcile', reconciling)
  await withinDeadline(reconciling, RECONCILE_WAIT_MS).catch(() => undefined)
}
