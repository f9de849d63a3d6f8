import { BursarError, denialCodes } from '@bursar/core'

/** The body of a response to a request that was not carried out (RFC 9457). */
export interface Problem {
  /** A URN that ends in the code. It is stable, and there is nothing to fetch at it. */
  readonly type: string
  /** A short text for the code. */
  readonly title: string
  /** The HTTP status of the response. */
  readonly status: number
  /** The reason in this request, with the way out. */
  readonly detail: string
  /** A stable code in snake_case, or the code of a denial. */
  readonly code: string
  /** The id of the request, which the log has as well. */
  readonly requestId: string
}

/** The HTTP status and the title of each code of the service and of the guard. */
export const problemStatuses: Readonly<Record<string, readonly [status: number, title: string]>> = {
  invalid_input: [400, 'The request is not valid'],
  malformed_body: [400, 'The body is not JSON'],
  unauthenticated: [401, 'The key is missing or not valid'],
  forbidden: [403, 'The caller may not do this'],
  roles_conflict: [403, 'The caller has roles that must not be combined'],
  not_found: [404, 'There is no such resource'],
  method_not_allowed: [405, 'The resource has no such method'],
  idempotency_conflict: [409, 'The idempotency key was used for something else'],
  key_revoked: [409, 'The key was revoked'],
  key_expired: [409, 'The key has expired'],
  payment_not_undelivered: [409, 'Nothing is known to be undelivered'],
  payment_repeated: [409, 'The request was paid for again'],
  asset_unknown: [409, 'No asset in this currency is known'],
  name_taken: [409, 'The name is taken by something else'],
  instrument_unfunded: [409, 'The instrument holds nothing'],
  archive_not_configured: [409, 'No folder for archives is configured'],
  archive_not_kept: [503, 'The archive could not be kept'],
  session_too_deep: [409, 'The session is nested too deep'],
  body_too_large: [413, 'The body is too large'],
  url_too_long: [414, 'The URL is too long'],
  unsupported_media_type: [415, 'The body has to be application/json'],
  request_rate_exceeded: [429, 'Too many requests'],
  internal: [500, 'The service failed'],
  identity_unavailable: [503, 'The identity provider cannot be reached'],
  overloaded: [503, 'Too many requests are in flight'],
  shutting_down: [503, 'The service is shutting down'],
  permission_unavailable: [503, 'The provider of the wallet has not granted its permission'],
  wallet_unavailable: [503, 'The wallet cannot be reached'],
  clock_behind: [503, 'The clock of the service is behind'],
  store_unavailable: [503, 'The ledger cannot be reached'],
  store_readonly: [503, 'The ledger cannot be written'],
  store_locked: [503, 'The ledger is busy'],
  store_failed: [503, 'The ledger cannot be written'],
  store_closed: [503, 'The service is shutting down'],
}

/** The codes of the guard for an object that does not exist. */
const unknownCode = /^(session|delegation|approval|payment|key|instrument)_unknown$/

/** Creates a problem. `requestId` is the id under which the log has the request. */
export function createProblem(code: string, detail: string, requestId: string): Problem {
  const [status, title] = findProblemStatus(code)
  return { type: `urn:bursar:problem:${code}`, title, status, detail, code, requestId }
}

/**
 * Converts a thrown value to a problem. An unknown value becomes `internal`, without its message: the
 * message may come from anywhere.
 */
export function convertToProblem(thrown: unknown, requestId: string): Problem {
  if (BursarError.isInstance(thrown) && isKnownProblemCode(thrown.code)) {
    const [status] = findProblemStatus(thrown.code)
    // The message of a server error is for the operator; the caller gets the code and its title.
    const detail = status >= 500 ? findProblemStatus(thrown.code)[1] : thrown.message
    return createProblem(thrown.code, detail, requestId)
  }
  return createProblem(
    'internal',
    'The service failed. The operator finds the reason in the log by the request id.',
    requestId,
  )
}

/** Creates the response with a problem. */
export function createProblemResponse(problem: Problem, headers: HeadersInit = {}): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
  })
}

function isKnownProblemCode(code: string): boolean {
  return Object.hasOwn(problemStatuses, code) || unknownCode.test(code) || isDenialProblem(code)
}

function findProblemStatus(code: string): readonly [number, string] {
  const known = Object.hasOwn(problemStatuses, code) ? problemStatuses[code] : undefined
  if (known) return known
  if (unknownCode.test(code)) return [404, 'There is no such resource']
  return isDenialProblem(code)
    ? [409, 'The guard refused the request']
    : [500, 'The service failed']
}

function isDenialProblem(code: string): boolean {
  return (denialCodes as readonly string[]).includes(code)
}
