import { recordTelemetryCall, runInTelemetrySpan } from '../guard/telemetry.ts'
import { findRequestFailure } from '../http/request-failure.ts'
import { deny } from '../ledger/denial.ts'
import type { HttpResponse } from '../ports/http-client.ts'
import { BursarError } from '../primitives/errors.ts'
import type { Call, PayResult, QuoteResult } from '../session/pay-result.ts'
import { admitCall, admitOncePerKey, nameAdmittedCall, openCall } from './call-admission.ts'
import { type OpenCall, readRemainingForCall, refuseCall } from './call-context.ts'
import { chooseOffers } from './choose-offer.ts'
import type { PayGuard } from './pay-state.ts'
import { parseRequest, parseRequestCall } from './request.ts'
import { recordFailedRequest, recordRequest } from './request-record.ts'
import {
  answerReservationDecision,
  commitPaymentReservation,
  holdPayment,
  type PreparedCall,
  prepareReservation,
} from './reserve-payment.ts'
import { failedResult, freeResult, toResultMoney, toResultResponse } from './results.ts'
import { reportSendProgress, signAndSend } from './sign-and-send.ts'
import type { Holder } from './token-holder.ts'

/** Pays for a resource. A refusal is a value. Throws `invalid_input` for a bad `Call`. */
export async function pay(
  guard: PayGuard,
  holder: Holder,
  input: unknown,
  given: Call,
): Promise<PayResult> {
  const call = parseRequestCall(given, 'pay')
  const startedAt = performance.now()
  const paying = runInTelemetrySpan(
    'bursar.pay',
    { 'bursar.session.id': holder.session },
    async (active) => {
      const context = await openCall(guard, holder, parseRequest(input, call.ignored), call, active)
      const result = 'status' in context ? context : await admitOncePerKey(context, payResource)
      recordTelemetryCall(active, result, performance.now() - startedAt)
      return result
    },
  )
  // Closing waits for the call. Its error goes to the caller.
  guard.background.run('finish a call', paying.then(noop, noop))
  return paying
}

/** Runs steps 1 to 6 without a reservation. Only refusals and questions are written. */
export async function quotePayment(
  guard: PayGuard,
  holder: Holder,
  input: unknown,
  given: Call,
): Promise<QuoteResult> {
  const call = parseRequestCall(given, 'quote')
  const quoting = runInTelemetrySpan(
    'bursar.quote',
    { 'bursar.session.id': holder.session },
    async (active) => {
      const context = await openCall(guard, holder, parseRequest(input, call.ignored), call, active)
      if ('status' in context) return context
      const earlier = (await admitCall(context)) ?? findQuoteToPay(context)
      if (earlier) return earlier
      const offered = await fetchOfferToPay(context)
      if ('status' in offered) return offered
      const { intent } = offered
      const decision = await commitPaymentReservation(context, intent, (change) =>
        // Refusals and questions are recorded as they are when paying; a reservation is dropped.
        change.result.kind === 'reserved' ? { result: change.result, events: [] } : change,
      )
      if (decision.kind !== 'reserved') return answerReservationDecision(context, decision)
      const { amountMicro, currency, host } = intent.terms
      const price = toResultMoney(amountMicro, currency)
      const message = `${host} asks for ${price.amount} ${currency}, which may be paid.`
      const remaining = readRemainingForCall(context)
      const result = { status: 'payable', price, merchant: host, remaining, message } as const
      const { key, request } = context
      if (key !== undefined) {
        guard.quotes.keep(nameAdmittedCall(context, key), request.hash, result, guard.store.now())
      }
      return result
    },
  )
  guard.background.run('finish a quote', quoting.then(noop, noop))
  return quoting
}

/** Returns the key's quote until it expires. Payments of the key are answered before. */
function findQuoteToPay(context: OpenCall): QuoteResult | undefined {
  const { guard, key, request } = context
  if (key === undefined) return undefined
  return guard.quotes.find(nameAdmittedCall(context, key), request.hash, guard.store.now())
}

async function payResource(context: OpenCall): Promise<PayResult> {
  const offered = (await admitCall(context)) ?? (await fetchOfferToPay(context))
  if ('status' in offered) return offered
  const held = await holdPayment(context, offered)
  return 'status' in held ? held : signAndSend(held)
}

/** Requests the resource, and chooses among its offers (steps 4 and 5). */
async function fetchOfferToPay(context: OpenCall): Promise<PreparedCall | PayResult> {
  const { guard, request, state } = context
  reportSendProgress(context.call, 'quoting')
  const response = await requestResourceToPay(context)
  if (!('headers' in response)) return response
  if (response.status !== 402) return recordFreeAnswer(context, response)
  reportSendProgress(context.call, 'deciding')
  const { session } = state
  const offers = chooseOffers(
    { url: request.url, status: response.status, headers: response.headers, body: response.body },
    guard.rails,
    guard.assets,
    session.limits.currency,
  )
  return 'code' in offers ? refuseCall(context, offers) : prepareReservation(context, offers)
}

/** Sends the guarded request of step 4. Nothing is reserved or signed yet. */
async function requestResourceToPay(context: OpenCall): Promise<HttpResponse | PayResult> {
  const { guard, request, state, call } = context
  try {
    return await runInTelemetrySpan('bursar.ask', { 'server.address': request.url.host }, () =>
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
      const isHttp = BursarError.isInstance(error.cause) && error.cause.code === 'https_required'
      const problem = isHttp ? 'use https in its URL' : 'its address'
      const facts = { host: request.url.host, problem, cause: error.message }
      return refuseCall(context, deny('request_not_allowed', facts))
    }
    recordFailedRequest(context, findRequestFailure(error))
    return failedResult(
      'The resource did not answer. Nothing was paid. Try once more later, or use another resource.',
    )
  }
}

function recordFreeAnswer(context: OpenCall, response: HttpResponse): PayResult {
  recordRequest(context, { type: 'request-answered', httpStatus: response.status })
  return freeResult(toResultResponse(response, context.request.url), readRemainingForCall(context))
}

function noop(): void {}
