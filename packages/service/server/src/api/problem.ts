import { BursarError, denialCodes } from '@bursar/core'

/** What a request was answered with that was not done, as RFC 9457 describes it. */
export interface Problem {
  /** A URN that ends in the code: stable, and nothing to fetch. */
  readonly type: string
  readonly title: string
  readonly status: number
  /** What is wrong with this request. */
  readonly detail: string
  /** snake_case, stable; a denial's code where it is one. */
  readonly code: string
  readonly requestId: string
}

/** What the codes of the service and of the guard are over HTTP. */
export const problemStatuses: Readonly<Record<string, readonly [status: number, title: string]>> = {
  invalid_input: [400, 'The request is not valid'],
  malformed_body: [400, 'The body is not JSON'],
  unauthenticated: [401, 'No key, or one that is not good'],
  forbidden: [403, 'The caller may not do this'],
  roles_conflict: [403, 'The caller has roles that must not be combined'],
  not_found: [404, 'There is no such resource'],
  method_not_allowed: [405, 'The resource has no such method'],
  idempotency_conflict: [409, 'The idempotency key was used for something else'],
  key_revoked: [409, 'The key was revoked'],
  key_expired: [409, 'The key has expired'],
  instrument_unfunded: [409, 'The instrument holds nothing'],
  archive_not_configured: [409, 'No folder for archives is configured'],
  archive_not_kept: [503, 'The archive could not be kept'],
  session_too_deep: [409, 'Sessions are nested too deep'],
  body_too_large: [413, 'The body is too large'],
  url_too_long: [414, 'The URL is too long'],
  unsupported_media_type: [415, 'The body has to be application/json'],
  request_rate_exceeded: [429, 'Too many requests'],
  internal: [500, 'The service failed'],
  identity_unavailable: [503, 'The identity provider cannot be reached'],
  overloaded: [503, 'Too much is under way'],
  shutting_down: [503, 'The service is shutting down'],
  permission_unavailable: [503, 'The provider of the wallet has not granted its permission'],
  wallet_unavailable: [503, 'The wallet cannot be reached'],
  clock_behind: [503, 'The clocks are not right'],
  store_unavailable: [503, 'The ledger cannot be reached'],
  store_readonly: [503, 'The ledger cannot be written'],
  store_locked: [503, 'The ledger is busy'],
  store_failed: [503, 'The ledger cannot be written'],
  store_closed: [503, 'The service is shutting down'],
}

/** What the guard does not know, it answers with a code that ends so. */
const unknownCode = /^(session|delegation|approval|payment|key|instrument)_unknown$/

/** The answer to what could not be done. `requestId` joins it with the log. */
export function createProblem(code: string, detail: string, requestId: string): Problem {
  const [status, title] = findStatus(code)
  return { type: `urn:bursar:problem:${code}`, title, status, detail, code, requestId }
}

/**
 * What something that was thrown is to the caller. What is not a known failure is `internal`, and
 * nothing of it is told: it may have been written by anyone.
 */
export function convertToProblem(thrown: unknown, requestId: string): Problem {
  if (BursarError.isInstance(thrown) && isKnownCode(thrown.code)) {
    const [status] = findStatus(thrown.code)
    // Of a failure of the service, a caller needs to know which one; its message is the operator's.
    const detail = status >= 500 ? findStatus(thrown.code)[1] : thrown.message
    return createProblem(thrown.code, detail, requestId)
  }
  return createProblem(
    'internal',
    'The service failed. The request id finds it in the log.',
    requestId,
  )
}

export function createProblemResponse(problem: Problem, headers: HeadersInit = {}): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
  })
}

function isKnownCode(code: string): boolean {
  return Object.hasOwn(problemStatuses, code) || unknownCode.test(code) || isDenialCode(code)
}

function findStatus(code: string): readonly [number, string] {
  const known = Object.hasOwn(problemStatuses, code) ? problemStatuses[code] : undefined
  if (known) return known
  if (unknownCode.test(code)) return [404, 'There is no such resource']
  return isDenialCode(code) ? [409, 'It is refused'] : [500, 'The service failed']
}

function isDenialCode(code: string): boolean {
  return (denialCodes as readonly string[]).includes(code)
}
