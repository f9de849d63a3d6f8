import type { PayRequest, PayResult } from './pay-result.ts'
import type { PaymentSession } from './payment-session.ts'

/** The guard takes no longer body; an endless stream is not read to its end. */
const MAX_BODY_BYTES = 262_144

/** Statuses that a `Response` may not have a body with. */
const bodiless = new Set([204, 205, 304])

/**
 * A `fetch` that pays within a session, for clients and SDKs that accept one.
 *
 * Answers the merchant's own response where it was paid or free. Everything else is a `Response`
 * 402 with `application/problem+json` and the guard's code: never a throw or a status that an SDK
 * would retry, since that could pay again. Bodies are read whole, as UTF-8 text: they are sent twice.
 *
 * @example
 * const client = new OpenAPIClient({ fetch: payingFetch(session) })
 */
export function payingFetch(session: PaymentSession): typeof fetch {
  return async (input, init) => {
    const read = await readRequest(input, init)
    if ('problem' in read) return refusal(read.problem)
    const { request, signal } = read
    try {
      return toResponse(await session.pay(request, { signal }), request.method)
    } catch {
      return problem(
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

/** What may be wrong with a request is found out before the guard is asked: nothing is paid then. */
async function readRequest(
  input: FetchArguments[0],
  init: FetchArguments[1],
): Promise<ReadRequest> {
  try {
    const request = new Request(input, init)
    const body = await readBody(request.body)
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

/** The body as text; `undefined` if it is over the bound. Throws where it is no text, or breaks. */
async function readBody(body: ReadableStream<Uint8Array> | null): Promise<string | undefined> {
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

function toResponse(result: PayResult, method: string): Response {
  const answered = result.status === 'paid' || result.status === 'free'
  const response = answered ? result.response : undefined
  // No `Response` can be made with another status, and a throw would be tried again.
  if (!response || response.status < 200 || response.status > 599) {
    const code = 'code' in result && result.code !== undefined ? result.code : result.status
    return problem(result.status, code, result.message)
  }
  const withBody = method !== 'HEAD' && !bodiless.has(response.status)
  return new Response(withBody ? Uint8Array.from(response.body) : null, {
    status: response.status,
    headers: readableHeaders(response.headers),
  })
}

/** The merchant's headers without those that `Headers` does not take. */
function readableHeaders(given: Readonly<Record<string, string>>): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(given)) {
    try {
      headers.set(name, value)
    } catch {
      // What was paid for is the body: a header that cannot be read does not keep it back.
    }
  }
  return headers
}

function refusal(what: string): Response {
  const detail = `This request is not allowed: ${what}. Nothing was paid.`
  return problem('denied', 'request_not_allowed', detail)
}

/** RFC 9457. */
function problem(outcome: PayResult['status'], code: string, detail: string): Response {
  const details = {
    type: 'about:blank',
    title: 'Payment Required',
    status: 402,
    detail,
    code,
    outcome,
  }
  return new Response(JSON.stringify(details), {
    status: 402,
    headers: { 'content-type': 'application/problem+json' },
  })
}
