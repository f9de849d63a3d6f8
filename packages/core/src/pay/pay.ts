import { recordCall, span } from '../guard/telemetry.ts'
import { deny } from '../ledger/denial.ts'
import type { HttpResponse } from '../ports/http-client.ts'
import { BursarError } from '../primitives/errors.ts'
import type { Call, PayResult, QuoteResult } from '../session/pay-result.ts'
import { admit, attend, keyName, open } from './call-admission.ts'
import { type OpenVisit, refuse, remainingOf } from './call-context.ts'
import { choose } from './choose-offer.ts'
import type { PayGuard } from './pay-state.ts'
import { parseCall, parseRequest } from './request.ts'
import { answerOf, commit, decide, type Prepared, prepared } from './reserve-payment.ts'
import { failedResult, freeResult, money, resourceResponse } from './results.ts'
import { execute, progress } from './sign-and-send.ts'
import type { Holder } from './token-holder.ts'

/** The life of one payment. Throws only where the guard itself fails, never for a refusal. */
export async function pay(
  guard: PayGuard,
  holder: Holder,
  input: unknown,
  given: Call,
): Promise<PayResult> {
  const call = parseCall(given, 'pay')
  const startedAt = performance.now()
  const paying = span('bursar.pay', { 'bursar.session.id': holder.session }, async (active) => {
    const visit = await open(guard, holder, parseRequest(input, call.ignored), call, active)
    const result = 'status' in visit ? visit : await attend(visit, run)
    recordCall(active, result, performance.now() - startedAt)
    return result
  })
  // Closing waits for it; what it throws is the caller's to hear.
  guard.background.run('finish a call', paying.then(noop, noop))
  return paying
}

/** Steps 1 to 6 without a reservation: nothing is written but refusals. */
export async function quote(
  guard: PayGuard,
  holder: Holder,
  input: unknown,
  given: Call,
): Promise<QuoteResult> {
  const call = parseCall(given, 'quote')
  const quoting = span('bursar.quote', { 'bursar.session.id': holder.session }, async (active) => {
    const visit = await open(guard, holder, parseRequest(input, call.ignored), call, active)
    if ('status' in visit) return visit
    const earlier = (await admit(visit)) ?? quoted(visit)
    if (earlier) return earlier
    const offered = await prepare(visit)
    if ('status' in offered) return offered
    const { intent } = offered
    const decision = await decide(visit, intent, (change) =>
      // A quote reserves nothing; a refusal or a question is recorded as it is when paying.
      change.result.kind === 'reserved' ? { result: change.result, events: [] } : change,
    )
    if (decision.kind !== 'reserved') return answerOf(visit, decision)
    const { amountMicro, currency, host } = intent.terms
    const price = money(amountMicro, currency)
    const message = `${host} asks for ${price.amount} ${currency}, which may be paid.`
    const remaining = remainingOf(visit)
    const result = { status: 'payable', price, merchant: host, remaining, message } as const
    const { key, request } = visit
    if (key !== undefined) {
      guard.quotes.keep(keyName(visit, key), request.hash, result, guard.store.now())
    }
    return result
  })
  guard.background.run('finish a quote', quoting.then(noop, noop))
  return quoting
}

/** A key's quote answers until it expires; a payment of the key has been answered before. */
function quoted(visit: OpenVisit): QuoteResult | undefined {
  const { guard, key, request } = visit
  if (key === undefined) return undefined
  return guard.quotes.find(keyName(visit, key), request.hash, guard.store.now())
}

async function run(visit: OpenVisit): Promise<PayResult> {
  const offered = (await admit(visit)) ?? (await prepare(visit))
  if ('status' in offered) return offered
  const held = await commit(visit, offered)
  return 'status' in held ? held : execute(held)
}

/** Steps 4 and 5: what the resource asks for, and what would be paid. */
async function prepare(visit: OpenVisit): Promise<Prepared | PayResult> {
  const { guard, request, state } = visit
  progress(visit.call, 'quoting')
  const response = await ask(visit)
  if (!('headers' in response)) return response
  if (response.status !== 402) return free(visit, response)
  progress(visit.call, 'deciding')
  const { session } = state
  const chosen = choose(
    { url: request.url, status: response.status, headers: response.headers, body: response.body },
    guard.rails,
    guard.assets,
    session.limits.currency,
  )
  return 'code' in chosen ? refuse(visit, chosen) : prepared(visit, chosen)
}

/** Step 4: the guarded request. Nothing has been promised to anyone yet. */
async function ask(visit: OpenVisit): Promise<HttpResponse | PayResult> {
  const { guard, request, state, call } = visit
  try {
    return await span('bursar.ask', { 'server.address': request.url.host }, () =>
      guard.http.request(
        {
          method: request.method,
          url: request.url,
          headers: request.headers,
          body: request.body,
        },
        {
          isolation: state.delegation.endUser,
          signal: call.signal,
          payment: request,
        },
      ),
    )
  } catch (error) {
    if (!BursarError.isInstance(error)) throw error
    if (error.code === 'request_refused') {
      const facts = { host: request.url.host, problem: 'its address', cause: error.message }
      return refuse(visit, deny('request_not_allowed', facts))
    }
    return failedResult(
      'The resource did not answer. Nothing was paid. Try once more later, or use another resource.',
    )
  }
}

function free(visit: OpenVisit, response: HttpResponse): PayResult {
  const { guard, request, state, ignored } = visit
  const { session, delegation } = state
  const event = {
    type: 'request-answered',
    session: session.id,
    delegation: delegation.id,
    host: request.url.host,
    httpStatus: response.status,
    requestHash: request.hash,
    ...(ignored.length === 0 ? {} : { ignoredArguments: ignored }),
  } as const
  const change = () => ({ result: undefined, events: [event] })
  const recording = guard.store.commit({ session: session.id }, change, 'soon')
  guard.background.run('record an answer', recording)
  return freeResult(resourceResponse(response), remainingOf(visit))
}

function noop(): void {}
