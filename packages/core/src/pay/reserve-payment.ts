import type { Guard } from '../guard/guard.ts'
import { recordAmount, span } from '../guard/telemetry.ts'
import { spendableMicro } from '../ledger/accounts.ts'
import type { Change } from '../ledger/ledger-state.ts'
import { withinDeadline } from '../primitives/deadline.ts'
import { BursarError } from '../primitives/errors.ts'
import { newId } from '../primitives/id.ts'
import { type Decision, reserve } from '../rules/decide.ts'
import type { Intent } from '../rules/reservation.ts'
import type { PayResult } from '../session/pay-result.ts'
import { PaymentToken } from '../signing/payment-token.ts'
import { type OpenVisit, replay, scopeOf } from './call-context.ts'
import type { Chosen } from './choose-offer.ts'
import type { Held } from './held-payment.ts'
import { isDialled } from './request.ts'
import { askedResult, deniedResult, failedResult, money } from './results.ts'
import { nonceOf, termsHash, termsOf } from './terms.ts'

/** How long a reservation that lacks budget waits for holds that proof may release. */
const RECONCILE_WAIT_MS = 2_000

/** How far the ledger's time may be ahead of the clock: as much as clocks of servers may differ. */
const MAX_CLOCK_LEAD_MS = 60_000

/** A call that may go on to be reserved. */
export interface Prepared {
  readonly intent: Intent
  readonly chosen: Chosen
  readonly token: PaymentToken
}

/** What the terms of a chosen offer will be, with a payment token that is not good for anything yet. */
export async function prepared(visit: OpenVisit, chosen: Chosen): Promise<Prepared> {
  const token = new PaymentToken()
  return { chosen, token, intent: await intentOf(visit, chosen, token) }
}

async function intentOf(visit: OpenVisit, chosen: Chosen, token: PaymentToken): Promise<Intent> {
  const { guard, request, state, key, ignored } = visit
  const terms = termsOf(chosen, request)
  const paymentId = newId('pay')
  const funds = await fundsOf(guard, state.delegation.instrument, chosen)
  return {
    paymentId,
    approvalId: newId('apr'),
    nonce: nonceOf(paymentId),
    tokenHash: token.hash,
    terms,
    termsHash: termsHash(terms),
    method: request.method,
    path: request.url.pathname,
    isDialled: isDialled(request),
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

/** Step 6. Abort is honoured up to here, and never after. */
export async function commit(visit: OpenVisit, prepared: Prepared): Promise<Held | PayResult> {
  const { call } = visit
  const { intent } = prepared
  await awaitBudget(visit, intent)
  if (call.signal?.aborted) return failedResult('The call was stopped before anything was paid.')
  const decision = await decide(visit, intent, (change) => change)
  if (decision.kind !== 'reserved') return answerOf(visit, decision)
  const { currency, host } = intent.terms
  recordAmount(visit.active, intent.terms.amountMicro, currency, host)
  const remaining = money(decision.remainingMicro, currency)
  return { ...visit, ...prepared, payment: decision.payment, remaining }
}

/** The one atomic commit in which everything is decided. */
export function decide(
  visit: OpenVisit,
  intent: Intent,
  kept: (change: Change<Decision>) => Change<Decision>,
): Promise<Decision> {
  const { termsHash: hash, terms } = intent
  const scope = { ...scopeOf(visit, visit.request), payee: terms.payee, termsHash: hash }
  return span('bursar.reserve', {}, () =>
    visit.guard.store.commit(
      scope,
      (state, now) => {
        assertClock(now, visit.guard.store.now())
        return kept(reserve(state, intent, now))
      },
      'now',
    ),
  )
}

/**
 * The ledger's time never runs back. Where it is far ahead of the clock, because some clock once was,
 * a signature would be good for as much longer: then nothing is reserved until the clock has caught up.
 */
function assertClock(now: number, clock: number): void {
  if (now - clock <= MAX_CLOCK_LEAD_MS) return
  const lead = Math.round((now - clock) / 1_000)
  const message = `The ledger was last written ${lead} s ahead of this clock. Set the clocks right.`
  throw new BursarError('clock_behind', message)
}

/** The answer where nothing was reserved. */
export async function answerOf(
  visit: OpenVisit,
  decision: Exclude<Decision, { readonly kind: 'reserved' }>,
): Promise<PayResult> {
  if (decision.kind === 'replayed') return replay(visit, decision.payment)
  const { currency } = visit.state.session.limits
  const remaining = money(decision.remainingMicro, currency)
  return decision.kind === 'asked'
    ? askedResult(decision.approval, decision.denial, remaining)
    : deniedResult(decision.denial, remaining)
}

/** What the payer has; where nobody can say, the decision fails closed. */
async function fundsOf(
  guard: Guard,
  instrument: string,
  chosen: Chosen,
): Promise<{ readonly payer: string; readonly balanceAtomic: bigint | undefined }> {
  return span('bursar.balance', {}, async () => {
    try {
      const payer = await guard.instruments.address(instrument)
      const balanceAtomic = await guard.instruments.balance(chosen.rail, chosen.asset, payer)
      return { payer, balanceAtomic }
    } catch {
      return { payer: 'the instrument', balanceAtomic: undefined }
    }
  })
}

/** Where holds stand in the way, proof may release some: started, and waited for a little. */
async function awaitBudget(visit: OpenVisit, intent: Intent): Promise<void> {
  const { guard, state } = visit
  const { delegation } = state
  const missing = intent.terms.amountMicro - spendableMicro(state)
  if (missing <= 0n || missing > delegation.usage.heldMicro) return
  const reconciling = guard.reconciler.soon(delegation.id)
  guard.background.run('reconcile', reconciling)
  await withinDeadline(reconciling, RECONCILE_WAIT_MS).catch(() => undefined)
}
