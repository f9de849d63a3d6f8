import type { Span } from '@opentelemetry/api'
import { recordUnknownToken, span } from '../guard/telemetry.ts'
import { rootOf } from '../ledger/accounts.ts'
import { deny } from '../ledger/denial.ts'
import type { Payment } from '../ledger/payment.ts'
import { BursarError } from '../primitives/errors.ts'
import { standing } from '../rules/account-end.ts'
import { admitHost, earlier } from '../rules/decide.ts'
import { pinnedToTwin } from '../rules/reservation.ts'
import type { PayResult } from '../session/pay-result.ts'
import { type OpenVisit, refuse, replay, scopeOf, type Visit } from './call-context.ts'
import type { Flight, PayGuard } from './pay-state.ts'
import { callKey, isDialled, type ParsedCall, type ParsedRequest } from './request.ts'
import { deniedResult } from './results.ts'
import { type Holder, ownState } from './token-holder.ts'

/** Steps 2 to 10. A key that is under way in this process is joined, not paid again. */
export async function attend<Result extends { readonly status: string }>(
  visit: OpenVisit,
  run: (visit: OpenVisit) => Promise<Result>,
): Promise<Result | PayResult> {
  const { guard, key, request } = visit
  if (key === undefined) return run(visit)
  const name = keyName(visit, key)
  const flight = guard.flights.get(name)
  if (flight) {
    if (flight.requestHash === request.hash) return join(visit, flight, run)
    return refuse(visit, deny('key_conflict', { cause: 'the key is under way' }))
  }
  const result = run(visit)
  guard.flights.set(name, { requestHash: request.hash, signal: visit.call.signal, result })
  try {
    return await result
  } finally {
    guard.flights.delete(name)
  }
}

/** Whoever stopped the call that leads has stopped nobody but itself. */
async function join<Result extends { readonly status: string }>(
  visit: OpenVisit,
  flight: Flight,
  run: (visit: OpenVisit) => Promise<Result>,
): Promise<Result | PayResult> {
  // The request's hash says which kind of call it is, so what is joined is of the same kind.
  const result = (await flight.result) as Result
  const stopped = result.status === 'failed' && flight.signal?.aborted === true
  return stopped && visit.call.signal?.aborted !== true ? attend(visit, run) : result
}

/** Step 1: the session that the token speaks of. */
export async function open(
  guard: PayGuard,
  holder: Holder,
  parsed: ParsedRequest,
  call: ParsedCall,
  active: Span,
): Promise<OpenVisit | PayResult> {
  const { store, sessionRate } = guard
  const request = 'request' in parsed ? parsed.request : undefined
  const key = callKey(call)
  const { payer } = holder
  const state = await span('bursar.open', {}, () =>
    ownState(guard, holder, scopeOf({ session: holder.session, key, payer }, request)),
  ).catch(crowded)
  if (state === 'crowded') return deniedResult(deny('request_rate_exceeded'))
  if (!state) return deniedResult(deny('session_unknown'))
  const pace = sessionRate.take(rootOf(state), store.now())
  const { ignored } = parsed
  const visit: Visit = {
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
  const ended = standing(state, store.now())
  if (ended) {
    const recorded = guard.endedRate.take(holder.session, store.now()) === 'within'
    return refuse({ ...visit, recorded }, ended)
  }
  if ('problem' in parsed) {
    return refuse(visit, deny('request_not_allowed', { problem: parsed.problem }))
  }
  if (pace !== 'within') return refuse(visit, deny('request_rate_exceeded'))
  return { ...visit, request: parsed.request }
}

/** The one failure that is a refusal: of the token nobody has looked whose it is. */
function crowded(error: unknown): 'crowded' {
  if (!BursarError.isInstance(error) || error.code !== 'request_rate_exceeded') throw error
  recordUnknownToken()
  return 'crowded'
}

/** Steps 2 and 3, before one byte leaves: what earlier calls answer, or why it may not go. */
export async function admit(visit: OpenVisit): Promise<PayResult | undefined> {
  const { state, request, key, guard } = visit
  const known = earlier(state, { hash: request.hash, key }, guard.store.now())
  if (known?.kind === 'payment') {
    await pinTwin(visit, known.payment)
    return replay(visit, known.payment)
  }
  const denial =
    known?.denial ?? admitHost(state, { host: request.url.host, isDialled: isDialled(request) })
  return denial && refuse(visit, denial)
}

/** A key that an identical request has answered keeps to that payment, however late it asks again. */
async function pinTwin(visit: OpenVisit, payment: Payment): Promise<void> {
  const { guard, state, key, request } = visit
  if (key === undefined || state.key?.payment !== undefined) return
  await guard.store.commit(
    scopeOf(visit, request),
    (newest) => pinnedToTwin(newest, { hash: request.hash, key }, payment),
    'now',
  )
}

/** A key belongs to its session. */
export function keyName({ state }: OpenVisit, key: string): string {
  return `${state.session.id} ${key}`
}
