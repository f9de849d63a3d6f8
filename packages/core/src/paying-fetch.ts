import type { PayResult } from './pay-result.ts'
import type { PaymentSession } from './payment-session.ts'

/** Statuses that a `Response` may not have a body with. */
const bodiless = new Set([101, 103, 204, 205, 304])

/**
 * A `fetch` that pays within a session, for clients and SDKs that accept one.
 *
 * Answers the merchant's own response where it was paid or free. Everything else is a `Response`
 * 402 with `application/problem+json` and the guard's code: never a throw or a status that an SDK
 * would retry, since that could pay again. Bodies are read whole: they are sent twice.
 *
 * @example
 * const client = new OpenAPIClient({ fetch: payingFetch(session) })
 */
export function payingFetch(session: PaymentSession): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const body = await request.text()
    const result = await session.pay(
      {
        url: request.url,
        method: request.method,
        headers: Object.fromEntries(request.headers),
        ...(body === '' ? {} : { body }),
        purpose: 'request of an application',
      },
      { signal: request.signal },
    )
    return toResponse(result, request.method)
  }
}

function toResponse(result: PayResult, method: string): Response {
  const answered = result.status === 'paid' || result.status === 'free'
  if (!answered || !result.response) return problem(result)
  const { status, headers, body } = result.response
  const withBody = method !== 'HEAD' && !bodiless.has(status)
  return new Response(withBody ? Uint8Array.from(body) : null, { status, headers })
}

/** RFC 9457. */
function problem(result: PayResult): Response {
  const code = 'code' in result && result.code !== undefined ? result.code : result.status
  const details = {
    type: 'about:blank',
    title: 'Payment Required',
    status: 402,
    detail: result.message,
    code,
    outcome: result.status,
  }
  return new Response(JSON.stringify(details), {
    status: 402,
    headers: { 'content-type': 'application/problem+json' },
  })
}
