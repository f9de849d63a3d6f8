import type { PayRequest, PayResult } from './pay-result.ts'
import type { PaymentSession } from './payment-session.ts'

/** The longest body that the guard takes. A longer stream is not read to its end. */
const MAX_BODY_BYTES = 262_144

/** Statuses of a `Response` without a body. */
const bodiless = new Set([204, 205, 304])

/**
 * Creates a `fetch` that pays within a session, for clients and SDKs that accept one.
 *
 * Its `Response` is the merchant's if the resource was paid or free. In every other case it is a 402 with
 * `application/problem+json` and the guard's code. It never throws, and never returns a status that an SDK
 * would retry, because a retry could pay again. Bodies are read whole, as UTF-8 text: they are sent twice.
 *
 * @example
 * ```ts
 * const payingClient = { fetch: payingFetch(session) }
 * const response = await payingClient.fetch('https://api.example.com/report')
 * if (response.ok) console.log(await response.text())
 * ```
 */
export function payingFetch(session: PaymentSession): typeof fetch {
  return async (input, init) => {
    const read = await readRequest(input, init)
    if ('problem' in read) return refuseRequest(read.problem)
    const { request, signal } = read
    try {
      return toResponse(await session.pay(request, { signal }), request.method)
    } catch {
      return problemResponse(
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

/** Reads a body as text. Returns undefined if it is over the bound. Throws if it is no text, or breaks. */
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
  // A `Response` cannot have another status, and an error would make the SDK try again.
  if (!response || response.status < 200 || response.status > 599) {
    const code = 'code' in result && result.code !== undefined ? result.code : result.status
    return problemResponse(result.status, code, result.message)
  }
  const withBody = method !== 'HEAD' && !bodiless.has(response.status)
  return new Response(withBody ? Uint8Array.from(response.body) : null, {
    status: response.status,
    headers: readableHeaders(response.headers),
  })
}

/** Returns the merchant's headers without those that `Headers` refuses. */
function readableHeaders(given: Readonly<Record<string, string>>): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(given)) {
    try {
      headers.set(name, value)
    } catch {
      // The paid content is the body: an unreadable header must not withhold it.
    }
  }
  return headers
}

function refuseRequest(what: string): Response {
  const detail = `This request is not allowed: ${what}. Nothing was paid.`
  return problemResponse('denied', 'request_not_allowed', detail)
}

/** Returns a problem of RFC 9457. */
function problemResponse(outcome: PayResult['status'], code: string, detail: string): Response {
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
