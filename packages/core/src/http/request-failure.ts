import { type RequestFailure, requestFailures } from '../ledger/failed-request.ts'
import { BursarError } from '../primitives/errors.ts'

/**
 * Makes the error of a request without a status. Its cause is a `BursarError` with a code of
 * `RequestFailure`, and its message repeats only codes, because a peer may have written the other texts.
 */
export function createRequestFailure(url: URL, cause: unknown): BursarError {
  const known = BursarError.isInstance(cause) && isRequestFailure(cause.code)
  const failure = known ? cause : classifyRequestError(cause)
  const message = `No usable response from ${url.host}: ${failure.message}.`
  return new BursarError('request_failed', message, { cause: failure })
}

/** Makes an error of one kind of failure. `text` completes the sentence "No usable response: …". */
export function createFailure(kind: RequestFailure, text: string, cause?: unknown): BursarError {
  return new BursarError(kind, text, { cause })
}

function classifyRequestError(error: unknown): BursarError {
  const { code, data } = (error ?? {}) as { readonly code?: unknown; readonly data?: unknown }
  const name = typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : 'broken'
  if (isHttp2RequestFailure(data))
    return createFailure('http2_only', 'it speaks HTTP/2 only', error)
  return createFailure(failureOfCode(name), name, error)
}

function failureOfCode(code: string): RequestFailure {
  if (noRouteCodes.has(code)) return 'refused'
  return code === 'ETIMEDOUT' ? 'timeout' : 'broken'
}

/** Codes of the system for an address at which no connection can be made. */
const noRouteCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
])

/** The types of the frames with which a server of HTTP/2 begins or ends: SETTINGS and GOAWAY. */
const http2FrameTypes: readonly (number | undefined)[] = [4, 7]

/** Checks whether a peer answered with a frame of HTTP/2 on stream 0: length, type, flags, stream id. */
function isHttp2RequestFailure(data: unknown): boolean {
  const frame = Buffer.isBuffer(data) ? data : Buffer.from(String(data ?? ''), 'latin1')
  const isOnStream0 = frame.length >= 9 && frame.readUInt32BE(5) === 0
  return isOnStream0 && frame[0] === 0 && http2FrameTypes.includes(frame[3])
}

/** Returns the kind of failure that an error of `HttpClient.request` names, or `broken` if it names none. */
export function findRequestFailure({ cause }: BursarError): RequestFailure {
  return BursarError.isInstance(cause) && isRequestFailure(cause.code) ? cause.code : 'broken'
}

function isRequestFailure(code: string): code is RequestFailure {
  return (requestFailures as readonly string[]).includes(code)
}
