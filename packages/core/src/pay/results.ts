import type { Approval } from '../ledger/approval.ts'
import type { Denial } from '../ledger/denial.ts'
import type { Content, Delivery, Payment } from '../ledger/payment.ts'
import { formatAmount } from '../money/amount.ts'
import type { HttpResponse } from '../ports/http-client.ts'
import type { Claim } from '../ports/rail.ts'
import { sha256Hash } from '../primitives/hash.ts'
import type { Money, PayResult, Receipt, ResourceResponse } from '../session/pay-result.ts'
import { redirectTarget } from './redirect-target.ts'
import { quoteStranger } from './stranger-reason.ts'

/** The longest body that is kept with its payment: enough for a document, little for a store. */
export const MAX_KEPT_BYTES = 262_144

/** Headers that a caller must not see, or that are wrong for a decoded body. */
const withheldHeaders = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'set-cookie',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Headers of a payment: a merchant may send the payload back in one of them. */
const paymentHeader = /^(x-payment|payment-|x-402)/

/**
 * Returns a response for callers, without connection and payment headers. Of a body that ended early it has what
 * came. A `location` becomes the `redirectTarget` from the URL that was requested, or goes.
 */
export function toResultResponse(response: HttpResponse, requested: URL): ResourceResponse {
  const { location, ...headers } = Object.fromEntries(
    Object.entries(response.headers).filter(
      ([name]) => !withheldHeaders.has(name) && !paymentHeader.test(name),
    ),
  )
  const target = location === undefined ? undefined : redirectTarget(location, requested)
  return {
    status: response.status,
    headers: target === undefined ? headers : { ...headers, location: target },
    body: response.body,
    truncated: response.truncated || response.broken,
  }
}

/** Describes a response to a payload. Only a 2xx with a whole body is a delivery. */
export function describeResultDelivery(response: HttpResponse): Delivery {
  return {
    httpStatus: response.status,
    contentType: (response.headers['content-type'] ?? '').slice(0, 100),
    contentSha256: sha256Hash(response.body),
    bytes: response.body.byteLength,
    truncated: response.truncated,
    delivered: response.status >= 200 && response.status < 300 && !response.broken,
  }
}

/**
 * Checks whether the answer to a payload without a believable claim is content for the caller. A second
 * challenge is none: it holds addresses, and a model could take it for something to pay.
 */
export function hasResultContent({ status }: HttpResponse): boolean {
  return status !== 402
}

/** Returns the content to keep with a payment, or undefined if the body is over the bound. */
export function keepResultContent(
  payment: string,
  response: ResourceResponse,
): Content | undefined {
  return response.body.byteLength > MAX_KEPT_BYTES ? undefined : { payment, ...response }
}

export function toResultMoney(micro: bigint, currency: string): Money {
  return { amount: formatAmount(micro > 0n ? micro : 0n), currency }
}

export function deniedResult(denial: Denial, remaining?: Money): PayResult {
  const { code, message } = denial
  return { status: 'denied', code, message, ...(remaining ? { remaining } : {}) }
}

export function askedResult(approval: Approval, denial: Denial, remaining: Money): PayResult {
  const { id, card, expiresAt } = approval
  return {
    status: 'approval_required',
    code: 'approval_required',
    message: denial.message,
    approval: { id, card, expiresAt: new Date(expiresAt).toISOString() },
    remaining,
  }
}

export function freeResult(response: ResourceResponse, remaining: Money): PayResult {
  const moved = isRedirectResult(response)
    ? ' It has moved: call again with the URL in the content.'
    : ''
  const message = `The resource answered with HTTP status ${response.status} and asked for no payment.${moved}`
  return { status: 'free', response, remaining, message }
}

/** Returns the result of a paid payment: `paid`, or `undelivered` if no delivery is known. */
export function paidResult(
  payment: Payment,
  response: ResourceResponse | undefined,
  remaining: Money,
): PayResult {
  const receipt = createResultReceipt(payment)
  const { amount, currency, merchant } = receipt
  const { delivery } = payment
  if (!delivery?.delivered) {
    // A payment that was proved after its response was lost has no delivery at all.
    const what = delivery
      ? `the resource was not delivered (HTTP status ${delivery.httpStatus})`
      : 'no response was received'
    const message = `${amount} ${currency} was paid to ${merchant}, but ${what}. Do not try again: it is not paid again unless the user allows it. Tell the user.${describeMovedResult(response)}`
    return {
      status: 'undelivered',
      receipt,
      ...(response ? { response } : {}),
      remaining,
      message,
    }
  }
  const left = `${remaining.amount} ${remaining.currency} is left.`
  if (response) {
    const message = `Paid ${amount} ${currency} to ${merchant}. ${left}`
    return { status: 'paid', receipt, response, remaining, message }
  }
  const message = `${amount} ${currency} was paid to ${merchant}, and what was delivered is no longer kept. Do not try again. ${left}`
  return { status: 'paid', receipt, remaining, code: 'content_not_kept', message }
}

/** Warns of the redirect with which a paid request was answered. Its target may ask for money, too. */
function describeMovedResult(response: ResourceResponse | undefined): string {
  return response && isRedirectResult(response)
    ? ' The content names another URL: to follow it may cost again.'
    : ''
}

function isRedirectResult({ status, headers }: ResourceResponse): boolean {
  return status >= 300 && status < 400 && headers.location !== undefined
}

export function doubtResult(
  payment: Payment,
  response: ResourceResponse | undefined,
  remaining: Money,
): PayResult {
  const { amountMicro, currency, host } = payment.terms
  const message = `It is not known yet whether ${formatAmount(amountMicro)} ${currency} was paid to ${host}. Do not try again: it could pay twice. Tell the user.${describeMovedResult(response)}`
  return {
    status: 'in_doubt',
    paymentId: payment.id,
    ...(response ? { response } : {}),
    remaining,
    message,
  }
}

/** The present state of a payment that an earlier call made. */
export function earlierResult(
  payment: Payment,
  content: Content | undefined,
  remaining: Money,
): PayResult {
  const response: ResourceResponse | undefined = content && {
    status: content.status,
    headers: content.headers,
    body: content.body,
    truncated: content.truncated,
  }
  switch (payment.state) {
    case 'reserved':
    case 'signed':
      return {
        status: 'in_progress',
        paymentId: payment.id,
        message: 'This call is being paid already. Do not try again; wait for its outcome.',
      }
    case 'in_doubt':
      return doubtResult(payment, response, remaining)
    case 'released':
      return failedResult('This call failed, and nothing was paid. Make a new one if needed.')
    case 'claimed':
    case 'settled':
      return paidResult(payment, response, remaining)
    /* v8 ignore next -- @preserve: the compiler knows that nothing is left */
    default:
      return payment.state satisfies never
  }
}

export function failedResult(
  message: string,
  code?: 'wallet_unavailable' | 'credential_expired',
): PayResult {
  return { status: 'failed', message, ...(code ? { code } : {}) }
}

function createResultReceipt(payment: Payment): Receipt {
  const { terms, evidence, claimedTransaction } = payment
  const isSettled = payment.state === 'settled'
  const transaction = isSettled ? evidence?.transaction : claimedTransaction
  return {
    paymentId: payment.id,
    amount: formatAmount(payment.settledMicro ?? terms.amountMicro),
    currency: terms.currency,
    merchant: terms.host,
    payee: terms.payee,
    network: terms.network,
    asset: terms.asset,
    at: new Date(payment.reservedAt).toISOString(),
    settlement: isSettled ? 'settled' : 'claimed',
    ...(transaction === undefined ? {} : { transaction }),
    ...(payment.delivery ? { contentSha256: payment.delivery.contentSha256 } : {}),
  }
}

/**
 * Returns why a response is no believable claim, for the operator. `sent` are the values of the headers that the
 * merchant was sent: its own words are left out if they repeat one.
 */
export function describeDoubtResult(
  response: HttpResponse,
  claim: Claim,
  sent: readonly string[],
): string {
  const reason = claim.outcome === 'settled' ? '' : claim.reason
  const says = claim.outcome === 'settled' ? undefined : quoteStranger(claim.says ?? '', sent)
  const text = `HTTP status ${response.status}, claim ${claim.outcome}: ${reason}`
  return says === undefined ? text.slice(0, 300) : `${text.slice(0, 300)} It says: ${says}`
}
