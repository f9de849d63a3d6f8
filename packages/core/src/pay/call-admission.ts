import type { Span } from '@opentelemetry/api'
import { countUnknownTokens, runInTelemetrySpan } from '../guard/telemetry.ts'
import { rootAccountOf } from '../ledger/accounts.ts'
import { deny } from '../ledger/denial.ts'
import type { Payment } from '../ledger/payment.ts'
import { BursarError } from '../primitives/errors.ts'
import { findAccountEnd } from '../rules/account-end.ts'
import { decideHost } from '../rules/decide.ts'
import {
  type EarlierAnswer,
  findEarlierAnswer,
  recordEarlierAnswer,
} from '../rules/earlier-answer.ts'
import type { PayResult } from '../session/pay-result.ts'
import {
  type CallContext,
  callScope,
  type OpenCall,
  refuseCall,
  replayPaymentOfCall,
} from './call-context.ts'
import type { Flight, PayGuard } from './pay-state.ts'
import { isDialledRequest, type ParsedCall, type ParsedRequest, requestCallKey } from './request.ts'
import { deniedResult } from './results.ts'
import { type Holder, readTokenHolderState } from './token-holder.ts'

/** Runs steps 2 to 10. A call whose key is in flight in this process joins that call instead. */
export async function admitOncePerKey<Result extends { readonly status: string }>(
  context: OpenCall,
  run: (context: OpenCall) => Promise<Result>,
): Promise<Result | PayResult> {
  const { guard, key, request } = context
  if (key === undefined) return run(context)
  const name = nameAdmittedCall(context, key)
  const flight = guard.flights.get(name)
  if (flight) {
    if (flight.requestHash === request.hash) return joinAdmittedCall(context, flight, run)
    return refuseCall(context, deny('key_conflict', { cause: 'the key is under way' }))
  }
  const result = run(context)
  guard.flights.set(name, { requestHash: request.hash, signal: context.call.signal, result })
  try {
    return await result
  } finally {
    guard.flights.delete(name)
  }
}

/**
 * Joins the in-flight call with this key. If that call was aborted by its own signal, and ours was not,
 * runs again.
 */
async function joinAdmittedCall<Result extends { readonly status: string }>(
  context: OpenCall,
  flight: Flight,
  run: (context: OpenCall) => Promise<Result>,
): Promise<Result | PayResult> {
  // The request's hash covers the kind of call, so the joined result is of the expected type.
  const result = (await flight.result) as Result
  const stopped = result.status === 'failed' && flight.signal?.aborted === true
  return stopped && context.call.signal?.aborted !== true ? admitOncePerKey(context, run) : result
}

/** Reads the session of a token (step 1). Returns the refusal of a call that may not go on. */
export async function openCall(
  guard: PayGuard,
  holder: Holder,
  parsed: ParsedRequest,
  call: ParsedCall,
  active: Span,
): Promise<OpenCall | PayResult> {
  const { store, sessionRate } = guard
  const request = 'request' in parsed ? parsed.request : undefined
  const key = requestCallKey(call)
  const { payer } = holder
  const state = await runInTelemetrySpan('bursar.open', {}, () =>
    readTokenHolderState(
      guard,
      holder,
      callScope({ session: holder.session, key, payer }, request),
    ),
  ).catch(refuseCrowd)
  if (state === 'crowded') return deniedResult(deny('request_rate_exceeded'))
  if (!state) return deniedResult(deny('session_unknown'))
  const pace = sessionRate.take(rootAccountOf(state), store.now())
  const { ignored } = parsed
  const context: CallContext = {
    guard,
    state,
    key,
    payer,
    request,
    ignored,
    recorded: pace !== 'over',
    call,
    active,
  }
  const ended = findAccountEnd(state, store.now())
  if (ended) {
    const recorded = guard.endedRate.take(holder.session, store.now()) === 'within'
    return refuseCall({ ...context, recorded }, ended)
  }
  if ('problem' in parsed) {
    return refuseCall(context, deny('request_not_allowed', { problem: parsed.problem }))
  }
  if (pace !== 'within') return refuseCall(context, deny('request_rate_exceeded'))
  return { ...context, request: parsed.request }
}

/** Turns one failure into a refusal: too many unknown tokens, so this token was not looked up. */
function refuseCrowd(error: unknown): 'crowded' {
  if (!BursarError.isInstance(error) || error.code !== 'request_rate_exceeded') throw error
  countUnknownTokens()
  return 'crowded'
}

/** Checks steps 2 and 3 before a byte leaves. Returns an earlier call's answer, a refusal, or undefined. */
export async function admitCall(context: OpenCall): Promise<PayResult | undefined> {
  const { state, request, key, guard } = context
  const found = findEarlierAnswer(state, { hash: request.hash, key }, guard.store.now())
  const known =
    found?.kind === 'payment' ? await recordAdmissionAnswer(context, found.payment) : found
  if (known?.kind === 'payment') return replayPaymentOfCall(context, known.payment)
  const denial =
    known?.denial ??
    decideHost(state, { host: request.url.host, isDialled: isDialledRequest(request) })
  return denial && refuseCall(context, denial)
}

/**
 * Pins the key of a call to the payment that answers it, and notes the first answer after a proof. Returns the
 * answer, which is another one if the key was pinned meanwhile.
 */
async function recordAdmissionAnswer(context: OpenCall, payment: Payment): Promise<EarlierAnswer> {
  const { guard, state, key, request } = context
  const { hash } = request
  const recorded = recordEarlierAnswer(state, { hash, key }, payment, 0)
  if (recorded.events.length === 0) return recorded.result
  return guard.store.commit(
    callScope(context, request),
    (newest, now) => recordEarlierAnswer(newest, { hash, key }, payment, now),
    'now',
  )
}

/** Returns the name of a call in flight: keys belong to their session. */
export function nameAdmittedCall({ state }: OpenCall, key: string): string {
  return `${state.session.id} ${key}`
}
