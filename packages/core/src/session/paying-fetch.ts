import type { PayRequest, PayResult } from './pay-result.ts'
import type { PaymentSession } from './payment-session.ts'

/**
 * The longest request body that the guard takes, in bytes. A longer stream is not read to its end.
 */
const MAX_BODY_BYTES = 262_144

/** The statuses whose `Response` may not have a body. */
const bodiless = new Set([204, 205, 304])

/**
 * A `fetch` that pays within a session, for clients and SDKs that accept one.
 *
 * Returns the merchant's own response if it was paid or free. Everything else is a `Response` with
 * status 402, `application/problem+json` and the guard's code, because an SDK would retry a throw
 * or another status and could pay again. Bodies are read whole, as UTF-8 text, because they are
 * sent twice.
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

/** Reads a request before the guard is asked, so that a malformed one costs nothing. */
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

/**
 * Reads the body as text. Returns undefined if it is over the bound. Throws if it is not UTF-8, or
 * breaks off.
 */
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
  // `Response` takes no other status, and an SDK would retry a throw.
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

/** Returns the merchant's headers, without those that `Headers` rejects. */
function readableHeaders(given: Readonly<Record<string, string>>): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(given)) {
    try {
      headers.set(name, value)
    } catch {
      // The body was paid for, so an unreadable header must not keep it back.
    }
  }
  return headers
}

function refusal(what: string): Response {
  const detail = `This request is not allowed: ${what}. Nothing was paid.`
  return problem('denied', 'request_not_allowed', detail)
}

/** A problem document of RFC 9457. */
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
