import type { Span } from '@opentelemetry/api'
import {
  askedResult,
  deniedResult,
  failedResult,
  freeResult,
  money,
  resourceResponse,
} from './answer.ts'
import { type Chosen, choose } from './choose.ts'
import { admitHost, type Decision, earlier, reserve, spendableMicro } from './decide.ts'
import { deny } from './denial.ts'
import { BursarError } from './errors.ts'
import { execute, progress } from './execute.ts'
import type { Flight, Guard } from './guard.ts'
import { type Holder, ownState } from './holder.ts'
import type { HttpResponse } from './http.ts'
import { newId } from './id.ts'
import type { Call, PayResult, QuoteResult } from './pay-result.ts'
import type { Payment } from './payment.ts'
import { callKey, type ParsedCall, parseCall, parseRequest } from './request.ts'
import { type Intent, pinnedToTwin } from './reservation.ts'
import { standing } from './standing.ts'
import type { Change } from './store.ts'
import { recordAmount, recordCall, span } from './telemetry.ts'
import { nonceOf, termsHash, termsOf } from './terms.ts'
import { PaymentToken } from './token.ts'
import { accountsOf } from './transition.ts'
import {
  type OpenVisit,
  refuse,
  remainingOf,
  replay,
  rootOf,
  scopeOf,
  type Visit,
} from './visit.ts'
import { withinTime } from './within-time.ts'

/** How long a reservation that lacks budget waits for holds that proof may release. */
const RECONCILE_WAIT_MS = 2_000

/** How far the ledger's time may be ahead of the clock: as much as clocks of servers may differ. */
const MAX_CLOCK_LEAD_MS = 60_000

/** A call that may go on to be reserved. */
interface Prepared {
  readonly intent: Intent
  readonly chosen: Chosen
  readonly token: PaymentToken
}

/** The life of one payment. Throws only where the guard itself fails, never for a refusal. */
export async function pay(
  guard: Guard,
  holder: Holder,
  input: unknown,
  given: Call,
): Promise<PayResult> {
  const call = parseCall(given, 'pay')
  const startedAt = performance.now()
  const paying = span('bursar.pay', { 'bursar.session.id': holder.session }, async (active) => {
    const visit = await open(guard, holder, input, call, active)
    const result = 'status' in visit ? visit : await attend(visit)
    recordCall(active, result, performance.now() - startedAt)
    return result
  })
  // Closing waits for it; what it throws is the caller's to hear.
  guard.background.run('finish a call', paying.then(noop, noop))
  return paying
}

/** Steps 1 to 6 without a reservation: nothing is written but refusals. */
export async function quote(
  guard: Guard,
  holder: Holder,
  input: unknown,
  given: Call,
): Promise<QuoteResult> {
  const call = parseCall(given, 'quote')
  const quoting = span('bursar.quote', { 'bursar.session.id': holder.session }, async (active) => {
    const visit = await open(guard, holder, input, call, active)
    if ('status' in visit) return visit
    const earlier = (await admit(visit)) ?? quoted(visit)
    if (earlier) return earlier
    const prepared = await prepare(visit)
    if ('status' in prepared) return prepared
    const { intent } = prepared
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

/** A key belongs to its session. */
function keyName({ state }: OpenVisit, key: string): string {
  return `${accountsOf(state).session.id} ${key}`
}

/** Step 1: the session that the token speaks of. */
async function open(
  guard: Guard,
  holder: Holder,
  input: unknown,
  call: ParsedCall,
  active: Span,
): Promise<OpenVisit | PayResult> {
  const { store, sessionRate } = guard
  const parsed = parseRequest(input, call.ignored)
  const request = 'request' in parsed ? parsed.request : undefined
  const key = callKey(call)
  const { payer } = holder
  const state = await span('bursar.open', {}, () =>
    ownState(guard, holder, scopeOf({ session: holder.session, key, payer }, request)),
  )
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

/** Steps 2 to 10. A key that is under way in this process is joined, not paid again. */
async function attend(visit: OpenVisit): Promise<PayResult> {
  const { guard, key, request } = visit
  if (key === undefined) return run(visit)
  const name = keyName(visit, key)
  const flight = guard.flights.get(name)
  if (flight) {
    if (flight.requestHash === request.hash) return join(visit, flight)
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
async function join(visit: OpenVisit, flight: Flight): Promise<PayResult> {
  const result = await flight.result
  const stopped = result.status === 'failed' && flight.signal?.aborted === true
  return stopped && visit.call.signal?.aborted !== true ? attend(visit) : result
}

async function run(visit: OpenVisit): Promise<PayResult> {
  const prepared = (await admit(visit)) ?? (await prepare(visit))
  return 'status' in prepared ? prepared : commit(visit, prepared)
}

/** Steps 2 and 3, before one byte leaves: what earlier calls answer, or why it may not go. */
async function admit(visit: OpenVisit): Promise<PayResult | undefined> {
  const { state, request, key, guard } = visit
  const known = earlier(state, { hash: request.hash, key }, guard.store.now())
  if (known?.kind === 'payment') {
    await pinTwin(visit, known.payment)
    return replay(visit, known.payment)
  }
  const denial = known?.denial ?? admitHost(state, request.url.host)
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

/** Steps 4 and 5: what the resource asks for, and what would be paid. */
async function prepare(visit: OpenVisit): Promise<Prepared | PayResult> {
  const { guard, request, state } = visit
  progress(visit.call, 'quoting')
  const response = await ask(visit)
  if (!('headers' in response)) return response
  if (response.status !== 402) return free(visit, response)
  progress(visit.call, 'deciding')
  const { session } = accountsOf(state)
  const chosen = choose(
    { url: request.url, status: response.status, headers: response.headers, body: response.body },
    guard.rails,
    guard.assets,
    session.limits.currency,
  )
  if ('code' in chosen) return refuse(visit, chosen)
  const token = new PaymentToken()
  return { chosen, token, intent: await intentOf(visit, chosen, token) }
}

async function intentOf(visit: OpenVisit, chosen: Chosen, token: PaymentToken): Promise<Intent> {
  const { guard, request, state, key, ignored } = visit
  const terms = termsOf(chosen, request)
  const paymentId = newId('pay')
  const funds = await fundsOf(guard, accountsOf(state).delegation.instrument, chosen)
  return {
    paymentId,
    approvalId: newId('apr'),
    nonce: nonceOf(paymentId),
    tokenHash: token.hash,
    terms,
    termsHash: termsHash(terms),
    method: request.method,
    path: request.url.pathname,
    purpose: request.purpose,
    validForSeconds: chosen.offer.validForSeconds,
    ...funds,
    key,
    maxMicro: request.maxMicro,
    policies: guard.policies,
    ignoredArguments: ignored,
  }
}

/** Step 6, and what follows from it. Abort is honoured up to here, and never after. */
async function commit(visit: OpenVisit, prepared: Prepared): Promise<PayResult> {
  const { call } = visit
  const { intent } = prepared
  await awaitBudget(visit, intent)
  if (call.signal?.aborted) return failedResult('The call was stopped before anything was paid.')
  const decision = await decide(visit, intent, (change) => change)
  if (decision.kind !== 'reserved') return answerOf(visit, decision)
  const { currency, host } = intent.terms
  recordAmount(visit.active, intent.terms.amountMicro, currency, host)
  const remaining = money(decision.remainingMicro, currency)
  return execute({ ...visit, ...prepared, payment: decision.payment, remaining })
}

/** The one atomic commit in which everything is decided. */
function decide(
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
async function answerOf(
  visit: OpenVisit,
  decision: Exclude<Decision, { readonly kind: 'reserved' }>,
): Promise<PayResult> {
  if (decision.kind === 'replayed') return replay(visit, decision.payment)
  const { currency } = accountsOf(visit.state).session.limits
  const remaining = money(decision.remainingMicro, currency)
  return decision.kind === 'asked'
    ? askedResult(decision.approval, decision.denial, remaining)
    : deniedResult(decision.denial, remaining)
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
        { isolation: accountsOf(state).delegation.endUser, signal: call.signal },
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
  const { session, delegation } = accountsOf(state)
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
  const { delegation } = accountsOf(state)
  const missing = intent.terms.amountMicro - spendableMicro(state)
  if (missing <= 0n || missing > delegation.usage.heldMicro) return
  const reconciling = guard.reconciler.soon(delegation.id)
  guard.background.run('reconcile', reconciling)
  await withinTime(reconciling, RECONCILE_WAIT_MS).catch(() => undefined)
}

function noop(): void {}
