import { recordCall, span } from '../guard/telemetry.ts'
import { spendableMicro } from '../ledger/accounts.ts'
import { payingState } from '../ledger/paying-state.ts'
import type { HttpResponse } from '../ports/http-client.ts'
import { BursarError } from '../primitives/errors.ts'
import { nameField, parseInput } from '../primitives/fields.ts'
import type { Call, PayResult, ProveResult } from '../session/pay-result.ts'
import type { ToolChallenge } from '../session/tool-challenge.ts'
import { admit, attend, open } from './call-admission.ts'
import { type OpenVisit, refuse } from './call-context.ts'
import { choose } from './choose-offer.ts'
import { parseToolChallenge, plainJson } from './parsed-tool-challenge.ts'
import type { PayGuard } from './pay-state.ts'
import { parseCall } from './request.ts'
import { commit, prepared } from './reserve-payment.ts'
import { earlierResult, money } from './results.ts'
import { answered, doubted, progress, signed } from './sign-and-send.ts'
import { type Holder, ownState } from './token-holder.ts'

/** Longest answer of a tool that is looked at: as much as the guarded client reads of a resource. */
const MAX_ANSWER_BYTES = 5_242_880

/** How an answer of a tool is recorded where that of a resource has its HTTP status. */
const DELIVERED = 200
const NOT_DELIVERED = 500

/**
 * Steps 1 to 7 for a call that its caller sends by itself: everything that `pay` does up to the
 * signature, with the same rules in the same commit, but for the request of step 4.
 *
 * Throws only where the guard itself fails, never for a refusal.
 */
export async function prove(
  guard: PayGuard,
  holder: Holder,
  challenge: ToolChallenge,
  given: Call,
): Promise<ProveResult> {
  const call = parseCall(given, 'prove')
  const startedAt = performance.now()
  const { parsed, message } = parseToolChallenge(challenge, call.ignored)
  const proving = span('bursar.prove', { 'bursar.session.id': holder.session }, async (active) => {
    const visit = await open(guard, holder, parsed, call, active)
    const result = 'status' in visit ? visit : await attend(visit, (one) => proven(one, message))
    recordCall(active, result, performance.now() - startedAt)
    return result
  })
  guard.background.run('finish a call', proving.then(noop, noop))
  return proving
}

async function proven(visit: OpenVisit, message: unknown): Promise<ProveResult> {
  const earlier = handedOut(visit) ?? (await admit(visit))
  if (earlier) return earlier
  const { guard, request, state } = visit
  progress(visit.call, 'deciding')
  const { currency } = state.session.limits
  const chosen = choose({ url: request.url, message }, guard.rails, guard.assets, currency)
  if ('code' in chosen) return refuse(visit, chosen)
  const held = await commit(visit, await prepared(visit, chosen))
  if ('status' in held) return held
  const proof = await signed(held)
  if ('status' in proof) return proof
  if (!('meta' in proof)) return doubted(held, 'the rail made no proof for MCP', undefined)
  guard.payloads.keep({ held, proof }, guard.store.now())
  return { status: 'proven', paymentId: held.payment.id, proof: proof.meta }
}

/** While its payment is signed and not answered, a key gets the proof that it got before. */
function handedOut({ guard, state, request }: OpenVisit): ProveResult | undefined {
  const { payment } = state
  const known = payment && guard.payloads.find(payment.id, guard.store.now())
  if (!known || known.held.request.hash !== request.hash) return undefined
  return { status: 'proven', paymentId: known.held.payment.id, proof: known.proof.meta }
}

/**
 * Steps 9 and 10: what the server answered to the call with the proof; `undefined` where no answer
 * came. It is heard even when the session has ended meanwhile: the proof was out by then.
 *
 * A payment whose proof this process did not hand out, or that has its answer, is not touched: its
 * present state is the result.
 */
export async function conclude(
  guard: PayGuard,
  holder: Holder,
  paymentId: string,
  message: unknown,
): Promise<PayResult> {
  const id = parseInput(nameField, paymentId, 'conclude')
  const concluding = span(
    'bursar.conclude',
    { 'bursar.session.id': holder.session, 'bursar.payment.id': id },
    async () => {
      if (!(await ownState(guard, holder))) throw unknownPayment()
      const loaded = await guard.store.read({ payment: id })
      const { payment } = loaded
      if (payment?.session !== holder.session) throw unknownPayment()
      const known = guard.payloads.take(id)
      if (known) return heard(known.held, message)
      const { currency } = payment.terms
      const content = await guard.store.content(id)
      return earlierResult(payment, content, money(spendableMicro(payingState(loaded)), currency))
    },
  )
  guard.background.run('finish a call', concluding.then(noop, noop))
  return concluding
}

async function heard(held: Parameters<typeof answered>[0], given: unknown): Promise<PayResult> {
  const message = readAnswer(given)
  if (!message) return doubted(held, 'no usable response: the call was not answered', undefined)
  return answered(held, { message }, responseOf(message))
}

interface ToolAnswer {
  readonly result?: unknown
  readonly error?: unknown
}

function readAnswer(given: unknown): ToolAnswer | undefined {
  try {
    const copy = plainJson(given, MAX_ANSWER_BYTES)?.value
    return typeof copy === 'object' && copy !== null ? copy : undefined
  } catch {
    return undefined
  }
}

/** What was delivered: the tool's result without its `_meta`, in which receipts travel. */
function responseOf({ result, error }: ToolAnswer): HttpResponse {
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

function unknownPayment(): BursarError {
  return new BursarError('payment_unknown', 'conclude: the session has no such payment.')
}

function noop(): void {}
