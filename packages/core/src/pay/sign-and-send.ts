import { runInTelemetrySpan } from '../guard/telemetry.ts'
import { findRequestFailure } from '../http/request-failure.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { Payment } from '../ledger/payment.ts'
import type { HttpResponse } from '../ports/http-client.ts'
import type { Answer, Authorization, Claim, HttpPayload, Payload } from '../ports/rail.ts'
import { BursarError } from '../primitives/errors.ts'
import {
  claimPayment,
  doubtPayment,
  openPaymentSecret,
  releaseUnsignedPayment,
  scopeOfPayment,
  signPayment,
} from '../rules/payment-transitions.ts'
import type { PayResult, PayStep } from '../session/pay-result.ts'
import { gateway, NotSigned } from '../signing/signing-gateway.ts'
import type { HeldPayment } from './held-payment.ts'
import type { ParsedCall } from './request.ts'
import {
  describeDoubtResult,
  describeResultDelivery,
  doubtResult,
  earlierResult,
  failedResult,
  hasResultContent,
  keepResultContent,
  paidResult,
  toResultResponse,
} from './results.ts'

/**
 * Runs steps 7 to 10. From here on no error is thrown and no abort is heard: a signature is presumed to
 * exist, and every failure is doubt, unless this process knows that nothing was signed.
 */
export async function signAndSend(held: HeldPayment): Promise<PayResult> {
  const payload = await signPayload(held)
  if ('status' in payload) return payload
  if (!('headers' in payload))
    return answerDoubtOfSent(held, 'the rail made no payload for HTTP', undefined)
  const response = await sendPayload(held, payload)
  if (typeof response === 'string') return answerDoubtOfSent(held, response, undefined)
  const sent = [...Object.values(held.request.headers), ...Object.values(payload.headers)]
  return answerSentPayment(held, response, response, sent)
}

/**
 * Reads the claim of an answer, and returns the caller's result (steps 9 and 10). `sent` are the values of the
 * headers that the merchant was sent, as far as the guard knows them.
 */
export async function answerSentPayment(
  held: HeldPayment,
  answer: Answer,
  response: HttpResponse,
  sent: readonly string[],
): Promise<PayResult> {
  const claimed = readClaimOfSent(held, answer)
  if (claimed.outcome !== 'settled')
    return answerDoubtOfSent(held, describeDoubtResult(response, claimed, sent), response)
  return answerClaimOfSent(held, response, claimed.transaction)
}

/** Redeems the payment token, and signs exactly the terms (step 7). */
export async function signPayload(held: HeldPayment): Promise<Payload | PayResult> {
  const { guard, payment, chosen, token } = held
  reportSendProgress(held.call, 'signing')
  try {
    const payload = await runInTelemetrySpan(
      'bursar.sign',
      { 'bursar.rail': chosen.rail.name },
      async () => {
        const wallet = guard.instruments.wallet(payment.instrument)
        // The ledger's time may be ahead of the clock; the token's life is counted from the ledger's.
        const lead = Math.max(0, payment.reservedAt - guard.store.now())
        const now = () => guard.store.now() + lead
        const signTerms = gateway(wallet, payment, chosen.asset, token, now, (opening) =>
          guard.store.commit(
            scopeOfPayment(payment),
            (state) => openPaymentSecret(state, 'payment', opening),
            'now',
          ),
        )
        return chosen.rail.prove(createSignAuthorization(held), chosen.offer.echo, signTerms)
      },
    )
    void recordSentSoon(held, 'record a signature', (state) => signPayment(state))
    return payload
  } catch (error) {
    // An unredeemed token, or the wallet's own word, proves that nothing was signed. The token is
    // ended first, because a rail may have kept the function that it signs through.
    token.end()
    if (error instanceof NotSigned || !token.redeemed) return releaseUnsignedHold(held, error)
    return answerDoubtOfSent(held, `the signer failed: ${describeSendError(error)}`, undefined)
  }
}

async function releaseUnsignedHold(held: HeldPayment, error: unknown): Promise<PayResult> {
  const { guard, payment } = held
  const code = error instanceof NotSigned ? error.code : 'wallet_unavailable'
  await guard.store
    .commit(
      scopeOfPayment(payment),
      (state, now) => releaseUnsignedPayment(state, `${code}: ${describeSendError(error)}`, now),
      'now',
    )
    // If this fails, the hold stays until the rail's proof releases it.
    .catch((cause: unknown) => guard.background.run('release a hold', Promise.reject(cause)))
  return failedResult('The wallet could not sign. Nothing was paid. Tell the user.', code)
}

/** The longest time that a paid request gets because its challenge asks for it. */
const MAX_PAID_REQUEST_MS = 120_000

/** Sends the request with the payload (step 8). Returns a text if there is no usable response. */
async function sendPayload(
  held: HeldPayment,
  payload: HttpPayload,
): Promise<HttpResponse | string> {
  const { guard, request, payment, chosen } = held
  reportSendProgress(held.call, 'sending')
  try {
    return await runInTelemetrySpan('bursar.send', { 'server.address': request.url.host }, () =>
      guard.http.request(
        {
          method: request.method,
          url: request.url,
          headers: { ...request.headers, ...payload.headers },
          body: request.body,
        },
        {
          isolation: payment.endUser,
          payment: request,
          // As long as the merchant says that it may take. Without an answer the payload is in doubt.
          minDeadlineMs: Math.min(chosen.offer.validForSeconds * 1_000, MAX_PAID_REQUEST_MS),
        },
      ),
    )
  } catch (error) {
    const kind = BursarError.isInstance(error) ? ` (${findRequestFailure(error)})` : ''
    return `no usable response${kind}: ${describeSendError(error)}`
  }
}

/** Reads the claim of a response (step 9). A rail that throws gives no claim. */
function readClaimOfSent(held: HeldPayment, answer: Answer): Claim {
  try {
    return held.chosen.rail.read(answer, createSignAuthorization(held))
  } catch (error) {
    return { outcome: 'unknown', reason: describeSendError(error) }
  }
}

async function answerClaimOfSent(
  held: HeldPayment,
  response: HttpResponse,
  transaction: string | undefined,
): Promise<PayResult> {
  const { guard, payment, remaining } = held
  const resource = toResultResponse(response, held.request.url)
  const delivery = describeResultDelivery(response)
  const content = keepResultContent(payment.id, resource)
  const heardAt = guard.store.now()
  const recorded = recordSentSoon(held, 'record a claim', (state, now) =>
    claimPayment(state, { transaction, delivery, content, heardAt }, now),
  )
  // After the validity proof may have come first. Then the result is the proof, not the claim.
  const isLate = guard.store.now() >= payment.validBefore * 1_000
  const proven = isLate ? await recorded : undefined
  if (proven?.state === 'released') return earlierResult(proven, content, remaining)
  const claimed: Payment = {
    ...payment,
    state: 'claimed',
    delivery,
    ...(transaction === undefined ? {} : { claimedTransaction: transaction }),
  }
  return paidResult(claimed, resource, remaining)
}

/** Records a doubt, and returns it. The hold stays until the rail proves the outcome. */
export function answerDoubtOfSent(
  held: HeldPayment,
  reason: string,
  response: HttpResponse | undefined,
): PayResult {
  const { payment, remaining } = held
  const delivery = response && describeResultDelivery(response)
  const resource =
    response && hasResultContent(response)
      ? toResultResponse(response, held.request.url)
      : undefined
  const content = resource && keepResultContent(payment.id, resource)
  void recordSentSoon(held, 'record a doubt', (state) =>
    doubtPayment(state, { reason, delivery, content }),
  )
  return doubtResult(payment, resource, remaining)
}

/** Writes without being waited for. A write that is lost in a crash is found again by proof. */
function recordSentSoon(
  held: HeldPayment,
  what: string,
  change: (state: LedgerState, now: number) => Change<Payment>,
): Promise<Payment | undefined> {
  const { guard, payment } = held
  const written = guard.store.commit(scopeOfPayment(payment), change, 'soon')
  guard.background.run(what, written)
  return written.catch(() => undefined)
}

function createSignAuthorization(held: HeldPayment): Authorization {
  const { payment, chosen } = held
  return {
    paymentId: payment.id,
    terms: payment.terms,
    asset: chosen.asset,
    payer: payment.payer,
    nonce: payment.nonce,
    validBefore: payment.validBefore,
  }
}

/** Returns an error's code or class: the message may hold text of a merchant or a provider. */
function describeSendError(error: unknown): string {
  if (BursarError.isInstance(error)) return `${error.code}: ${error.message}`
  // The wallet's reason is for the operator only.
  if (error instanceof NotSigned) return error.message.slice(0, MAX_REASON_LENGTH)
  return error instanceof Error ? error.name : typeof error
}

/** The longest part of a wallet's reason that is kept, in characters. */
const MAX_REASON_LENGTH = 300

/** Tells the caller which step begins. An error of the listener is ignored. */
export function reportSendProgress(call: ParsedCall, step: PayStep): void {
  try {
    call.onProgress?.(step)
  } catch {
    // Progress is for people to look at, and decides nothing.
  }
}
