import { span } from '../guard/telemetry.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { Payment } from '../ledger/payment.ts'
import type { HttpResponse } from '../ports/http-client.ts'
import type { Answer, Authorization, Claim, HttpProof, Proof } from '../ports/rail.ts'
import { BursarError } from '../primitives/errors.ts'
import {
  claim,
  doubt,
  openSecret,
  releaseUnsigned,
  scopeOfPayment,
  sign,
} from '../rules/payment-transitions.ts'
import type { PayResult, PayStep } from '../session/pay-result.ts'
import { gateway, NotSigned } from '../signing/signing-gateway.ts'
import type { Held } from './held-payment.ts'
import type { ParsedCall } from './request.ts'
import {
  deliveryOf,
  doubtReason,
  doubtResult,
  earlierResult,
  failedResult,
  keptContent,
  paidResult,
  resourceResponse,
} from './results.ts'

/**
 * Steps 7 to 10. From here on nothing is thrown and no abort is heard: a signature is presumed to
 * exist, and whatever goes wrong is doubt, unless this process knows that nothing was signed.
 */
export async function execute(held: Held): Promise<PayResult> {
  const proof = await signed(held)
  if ('status' in proof) return proof
  if (!('headers' in proof)) return doubted(held, 'the rail made no proof for HTTP', undefined)
  const response = await send(held, proof)
  if (typeof response === 'string') return doubted(held, response, undefined)
  return answered(held, response, response)
}

/** Steps 9 and 10: what the answer claims, and what the caller gets of it. */
export async function answered(
  held: Held,
  answer: Answer,
  response: HttpResponse,
): Promise<PayResult> {
  const claimed = readClosed(held, answer)
  if (claimed.outcome !== 'settled') return doubted(held, doubtReason(response, claimed), response)
  return claimedAnswer(held, response, claimed.transaction)
}

/** Step 7: the payment token is redeemed, and exactly the terms are signed. */
export async function signed(held: Held): Promise<Proof | PayResult> {
  const { guard, payment, chosen, token } = held
  progress(held.call, 'signing')
  try {
    const proof = await span('bursar.sign', { 'bursar.rail': chosen.rail.name }, async () => {
      const wallet = guard.instruments.wallet(payment.instrument)
      // The ledger's time may be ahead of the clock; the token's life is counted from the ledger's.
      const lead = Math.max(0, payment.reservedAt - guard.store.now())
      const now = () => guard.store.now() + lead
      const signTerms = gateway(wallet, payment, chosen.asset, token, now, (opening) =>
        guard.store.commit(
          scopeOfPayment(payment),
          (state) => openSecret(state, 'payment', opening),
          'now',
        ),
      )
      return chosen.rail.prove(authorizationOf(held), chosen.offer.echo, signTerms)
    })
    void keep(held, 'record a signature', (state) => sign(state))
    return proof
  } catch (error) {
    // An unredeemed token, or the wallet's own word, is knowledge that nothing was signed.
    // It is ended first, for a rail may have kept the function that it signs through.
    token.end()
    if (error instanceof NotSigned || !token.redeemed) return unsigned(held, error)
    return doubted(held, `the signer failed: ${errorText(error)}`, undefined)
  }
}

async function unsigned(held: Held, error: unknown): Promise<PayResult> {
  const { guard, payment } = held
  const code = error instanceof NotSigned ? error.code : 'wallet_unavailable'
  await guard.store
    .commit(
      scopeOfPayment(payment),
      (state, now) => releaseUnsigned(state, `${code}: ${errorText(error)}`, now),
      'now',
    )
    // The hold stays then, and the rail's proof releases it.
    .catch((cause: unknown) => guard.background.run('release a hold', Promise.reject(cause)))
  return failedResult('The wallet could not sign. Nothing was paid. Tell the user.', code)
}

/** Step 8: the same request with the proof. Answers why there is no usable response as a text. */
async function send(held: Held, proof: HttpProof): Promise<HttpResponse | string> {
  const { guard, request, payment } = held
  progress(held.call, 'sending')
  try {
    return await span('bursar.send', { 'server.address': request.url.host }, () =>
      guard.http.request(
        {
          method: request.method,
          url: request.url,
          headers: { ...request.headers, ...proof.headers },
          body: request.body,
        },
        { isolation: payment.endUser, payment: request },
      ),
    )
  } catch (error) {
    return `no usable response: ${errorText(error)}`
  }
}

/** Step 9: what the response says is a claim; a rail that stumbles over it says nothing. */
function readClosed(held: Held, answer: Answer): Claim {
  try {
    return held.chosen.rail.read(answer, authorizationOf(held))
  } catch (error) {
    return { outcome: 'unknown', reason: errorText(error) }
  }
}

async function claimedAnswer(
  held: Held,
  response: HttpResponse,
  transaction: string | undefined,
): Promise<PayResult> {
  const { guard, payment, remaining } = held
  const resource = resourceResponse(response)
  const delivery = deliveryOf(response)
  const content = keptContent(payment.id, resource)
  const recorded = keep(held, 'record a claim', (state, now) =>
    claim(state, { transaction, delivery, content }, now),
  )
  // So late, proof may have come first: then it is what is answered, and not the claim.
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

/** There is no believable word: the hold stays until the rail proves the outcome. */
export function doubted(held: Held, reason: string, response: HttpResponse | undefined): PayResult {
  const { payment, remaining } = held
  const delivery = response && deliveryOf(response)
  const resource = response && delivery?.delivered ? resourceResponse(response) : undefined
  const content = resource && keptContent(payment.id, resource)
  void keep(held, 'record a doubt', (state) => doubt(state, { reason, delivery, content }))
  return doubtResult(payment, resource, remaining)
}

/** Writes what the answer does not wait for. Lost in a crash, it is found again by proof. */
function keep(
  held: Held,
  what: string,
  change: (state: LedgerState, now: number) => Change<Payment>,
): Promise<Payment | undefined> {
  const { guard, payment } = held
  const written = guard.store.commit(scopeOfPayment(payment), change, 'soon')
  guard.background.run(what, written)
  return written.catch(() => undefined)
}

function authorizationOf(held: Held): Authorization {
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

/** An error's code or class: its message may hold what a merchant or a provider wrote. */
function errorText(error: unknown): string {
  if (BursarError.isInstance(error)) return `${error.code}: ${error.message}`
  // The wallet's own reason, which is for the operator.
  if (error instanceof NotSigned) return error.message.slice(0, MAX_REASON_LENGTH)
  return error instanceof Error ? error.name : typeof error
}

/** Longest part of a wallet's reason that is kept. */
const MAX_REASON_LENGTH = 300

/** Tells the caller where the call is. What a listener throws is its own affair. */
export function progress(call: ParsedCall, step: PayStep): void {
  try {
    call.onProgress?.(step)
  } catch {
    // Progress is for people to look at: it decides nothing.
  }
}
