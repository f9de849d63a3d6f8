import { recordTelemetryCall, runInTelemetrySpan } from '../guard/telemetry.ts'
import { spendableAccountMicro } from '../ledger/accounts.ts'
import { payingState } from '../ledger/paying-state.ts'
import type { HttpResponse } from '../ports/http-client.ts'
import { BursarError } from '../primitives/errors.ts'
import { nameField, parseInputFields } from '../primitives/fields.ts'
import type { Call, PayResult, ProveResult } from '../session/pay-result.ts'
import type { ToolChallenge } from '../session/tool-challenge.ts'
import { admitCall, admitOncePerKey, openCall } from './call-admission.ts'
import { type OpenCall, refuseCall } from './call-context.ts'
import { chooseOffers } from './choose-offer.ts'
import { parseToolChallenge, plainChallengeJson } from './parsed-tool-challenge.ts'
import type { PayGuard } from './pay-state.ts'
import { parseRequestCall } from './request.ts'
import { holdPayment, prepareReservation } from './reserve-payment.ts'
import { earlierResult, toResultMoney } from './results.ts'
import {
  answerDoubtOfSent,
  answerSentPayment,
  reportSendProgress,
  signPayload,
} from './sign-and-send.ts'
import { type Holder, readTokenHolderState } from './token-holder.ts'
import type { HandedOut } from './unanswered-payloads.ts'

/** The longest answer of a tool that is read: as much as the HTTP client reads of a resource. */
const MAX_ANSWER_BYTES = 5_242_880

/** The HTTP status that stands for a tool's answer in the ledger. */
const DELIVERED = 200
const NOT_DELIVERED = 500

/**
 * Runs steps 1 to 7 for a call that its caller sends: everything that `pay` does up to the signature,
 * except for the request of step 4. A refusal is a value. Throws `invalid_input` for a bad `Call`.
 */
export async function prove(
  guard: PayGuard,
  holder: Holder,
  challenge: ToolChallenge,
  given: Call,
): Promise<ProveResult> {
  const call = parseRequestCall(given, 'prove')
  const startedAt = performance.now()
  const { parsed, message } = parseToolChallenge(challenge, call.ignored)
  const proving = runInTelemetrySpan(
    'bursar.prove',
    { 'bursar.session.id': holder.session },
    async (active) => {
      const context = await openCall(guard, holder, parsed, call, active)
      const result =
        'status' in context
          ? context
          : await admitOncePerKey(context, (one) => proveToolCall(one, message))
      recordTelemetryCall(active, result, performance.now() - startedAt)
      return result
    },
  )
  guard.background.run('finish a call', proving.then(noop, noop))
  return proving
}

async function proveToolCall(context: OpenCall, message: unknown): Promise<ProveResult> {
  const earlier = findProvenPayload(context) ?? (await admitCall(context))
  if (earlier) return earlier
  const { guard, request, state } = context
  reportSendProgress(context.call, 'deciding')
  const { currency } = state.session.limits
  const offers = chooseOffers({ url: request.url, message }, guard.rails, guard.assets, currency)
  if ('code' in offers) return refuseCall(context, offers)
  const held = await holdPayment(context, await prepareReservation(context, offers))
  if ('status' in held) return held
  const payload = await signPayload(held)
  if ('status' in payload) return payload
  if (!('meta' in payload))
    return answerDoubtOfSent(held, 'the rail made no payload for MCP', undefined)
  guard.payloads.keep({ held, payload }, guard.store.now())
  return { status: 'signed', paymentId: held.payment.id, payload: payload.meta }
}

/** Returns the payload that the key got before, while its payment is signed and not answered. */
function findProvenPayload({ guard, state, request }: OpenCall): ProveResult | undefined {
  const { payment } = state
  const known = payment && guard.payloads.find(payment.id, guard.store.now())
  if (!known || known.held.request.hash !== request.hash) return undefined
  return { status: 'signed', paymentId: known.held.payment.id, payload: known.payload.meta }
}

/**
 * Reads the server's answer to the call with the payload (steps 9 and 10); `undefined` says that no
 * answer came. The session may have ended meanwhile, because the payload was out by then.
 *
 * A payment whose payload this process did not hand out, or that has its answer, stays as it is: its
 * present state is the result. Throws `payment_unknown` for a payment of another session.
 */
export async function conclude(
  guard: PayGuard,
  holder: Holder,
  paymentId: string,
  message: unknown,
): Promise<PayResult> {
  const id = parseInputFields(nameField, paymentId, 'conclude')
  const concluding = runInTelemetrySpan(
    'bursar.conclude',
    { 'bursar.session.id': holder.session, 'bursar.payment.id': id },
    async () => {
      if (!(await readTokenHolderState(guard, holder))) throw unknownProvenPayment()
      const loaded = await guard.store.read({ payment: id })
      const { payment } = loaded
      if (payment?.session !== holder.session) throw unknownProvenPayment()
      const known = guard.payloads.take(id)
      if (known) return concludeAnswer(known, message)
      const { currency } = payment.terms
      const content = await guard.store.content(id)
      return earlierResult(
        payment,
        content,
        toResultMoney(spendableAccountMicro(payingState(loaded)), currency),
      )
    },
  )
  guard.background.run('finish a call', concluding.then(noop, noop))
  return concluding
}

async function concludeAnswer({ held, payload }: HandedOut, given: unknown): Promise<PayResult> {
  const message = readConcludedAnswer(given)
  if (!message)
    return answerDoubtOfSent(held, 'no usable response: the call was not answered', undefined)
  return answerSentPayment(held, { message }, concludedToolResponse(message), [
    JSON.stringify(payload.meta),
  ])
}

interface ToolAnswer {
  readonly result?: unknown
  readonly error?: unknown
}

function readConcludedAnswer(given: unknown): ToolAnswer | undefined {
  try {
    const copy = plainChallengeJson(given, MAX_ANSWER_BYTES)?.value
    return typeof copy === 'object' && copy !== null ? copy : undefined
  } catch {
    return undefined
  }
}

/** Returns the delivery: the tool's result without its `_meta`, in which receipts travel. */
function concludedToolResponse({ result, error }: ToolAnswer): HttpResponse {
  const { _meta, ...delivered } = { ...(result as { readonly _meta?: unknown } | undefined) }
  const failed = result === undefined || (delivered as { isError?: unknown }).isError === true
  return {
    status: failed ? NOT_DELIVERED : DELIVERED,
    headers: { 'content-type': 'application/json' },
    body: new TextEncoder().encode(JSON.stringify(result === undefined ? { error } : delivered)),
    truncated: false,
    broken: false,
    remoteAddress: '',
  }
}

function unknownProvenPayment(): BursarError {
  return new BursarError('payment_unknown', 'conclude: the session has no such payment.')
}

function noop(): void {}
