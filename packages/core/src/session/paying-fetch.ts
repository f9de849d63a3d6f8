import { warnOperator } from '../primitives/operator-warning.ts'
import { assertPaymentSession } from './given-session.ts'
import type { PayRequest, PayResult, ResourceResponse } from './pay-result.ts'
import type { PaymentSession } from './payment-session.ts'
import { MAX_MODEL_CONTENT_CHARACTERS } from './tool.ts'

/** The longest body that the guard takes. A longer stream is not read to its end. */
const MAX_BODY_BYTES = 262_144

/** Statuses of a `Response` without a body. */
const bodiless = new Set([204, 205, 304])

/**
 * Creates a `fetch` that pays within a session, for clients and SDKs that accept one.
 *
 * Its `Response` is the merchant's if the resource was free, or delivered with a 2xx after a payload was
 * sent. In every other case it is a 402 with `application/problem+json` and the guard's code; what the merchant
 * answered is in its `response`. It never throws, and asks SDKs not to retry (`x-should-retry: false`),
 * because a retry could pay again. Bodies are read whole, as UTF-8 text: they are sent twice. If the guard itself
 * fails, because it is closed for example, a process warning (`BursarWarning`) tells the operator.
 *
 * Throws `invalid_input` if `session` is no session.
 *
 * @example
 * ```ts
 * const payingClient = { fetch: payingFetch(session) }
 * const response = await payingClient.fetch('https://api.example.com/report')
 * if (response.ok) console.log(await response.text())
 * ```
 */
export function payingFetch(session: PaymentSession): typeof fetch {
  assertPaymentSession('payingFetch', session)
  return async (input, init) => {
    const read = await readFetchRequest(input, init)
    if ('problem' in read) return refuseFetchRequest(read.problem)
    const { request, signal } = read
    try {
      return toFetchResponse(await session.pay(request, { signal }), request.method)
    } catch (error) {
      warnOperator('payingFetch', 'a request could not be paid for', error)
      return paymentProblemResponse(
        'in_doubt',
        'guard_failed',
        'The payment guard failed, and whether anything was paid is not known here. Do not try again.',
      )
    }
  }
}

type FetchArguments = Parameters<typeof fetch>

type ReadRequest =
  | { readonly request: PayRequest & { readonly method: string }; readonly signal: AbortSignal }
  | { readonly problem: string }

/** Reads the arguments of `fetch`. A `problem` is found before the guard is asked: nothing is paid. */
async function readFetchRequest(
  input: FetchArguments[0],
  init: FetchArguments[1],
): Promise<ReadRequest> {
  try {
    const request = new Request(input, init)
    const body = await readFetchBody(request.body)
    if (body === undefined) return { problem: `the body is longer than ${MAX_BODY_BYTES} bytes` }
    const { url, method, headers, signal } = request
    return {
      request: {
        url,
        method,
        headers: Object.fromEntries(headers),
        ...(body === '' ? {} : { body }),
        purpose: 'request of an application',
      },
      signal,
    }
  } catch {
    return { problem: 'it is no request with an absolute URL and a body of UTF-8 text' }
  }
}

/** Reads a body as text. Returns undefined if it is over the bound. Throws if it is no text, or breaks. */
async function readFetchBody(body: ReadableStream<Uint8Array> | null): Promise<string | undefined> {
  if (body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body as ReadableStream<unknown>) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('A body has to be bytes.')
    size += chunk.byteLength
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode()
}

function toFetchResponse(result: PayResult, method: string): Response {
  const response = 'response' in result ? result.response : undefined
  if (!response || !isFetchResponseTaken(result.status, response.status)) {
    const code = 'code' in result && result.code !== undefined ? result.code : result.status
    return paymentProblemResponse(result.status, code, result.message, response)
  }
  const withBody = method !== 'HEAD' && !bodiless.has(response.status)
  return new Response(withBody ? Uint8Array.from(response.body) : null, {
    status: response.status,
    headers: readableFetchHeaders(response.headers, result.status === 'free'),
  })
}

/**
 * Checks whether the merchant's own status is passed on: of a free resource any that a `Response` can have,
 * and after a payload was sent only a 2xx. An SDK could take any other for a request to try again.
 */
function isFetchResponseTaken(outcome: PayResult['status'], status: number): boolean {
  if (outcome === 'free') return status >= 200 && status <= 599
  const isSent = outcome === 'paid' || outcome === 'in_doubt'
  return isSent && status >= 200 && status <= 299
}

/** Headers with which a merchant could make an SDK send a request again. */
const retryHeader = /^(x-should-retry|retry-after.*)$/i

/** The headers of every response: SDKs of one family retry what does not say this. */
const neverRetried = { 'x-should-retry': 'false' } as const

/** Returns the merchant's headers without those that ask for another request, or that `Headers` refuses. */
function readableFetchHeaders(given: Readonly<Record<string, string>>, isFree: boolean): Headers {
  const headers = new Headers(neverRetried)
  for (const [name, value] of Object.entries(given)) {
    if (retryHeader.test(name) || (!isFree && name.toLowerCase() === 'location')) continue
    try {
      headers.set(name, value)
    } catch {
      // The paid content is the body: an unreadable header must not withhold it.
    }
  }
  return headers
}

function refuseFetchRequest(what: string): Response {
  const detail = `This request is not allowed: ${what}. Nothing was paid.`
  return paymentProblemResponse('denied', 'request_not_allowed', detail)
}

/** Returns a problem of RFC 9457. */
function paymentProblemResponse(
  outcome: PayResult['status'],
  code: string,
  detail: string,
  response?: ResourceResponse,
): Response {
  const details = {
    type: 'about:blank',
    title: 'Payment Required',
    status: 402,
    detail,
    code,
    outcome,
    ...(response ? { response: describeFetchAnswer(response) } : {}),
  }
  return new Response(JSON.stringify(details), {
    status: 402,
    headers: { 'content-type': 'application/problem+json', ...neverRetried },
  })
}

/**
 * Describes a merchant's answer that is not passed on: its status, and as much of its text as a model gets
 * elsewhere. Four bytes hold any character of UTF-8.
 */
function describeFetchAnswer({ status, headers, body }: ResourceResponse): object {
  const text = new TextDecoder().decode(body.subarray(0, 4 * MAX_MODEL_CONTENT_CHARACTERS))
  const contentType = headers['content-type']
  return {
    status,
    ...(contentType === undefined ? {} : { contentType }),
    body: text.slice(0, MAX_MODEL_CONTENT_CHARACTERS),
  }
}
