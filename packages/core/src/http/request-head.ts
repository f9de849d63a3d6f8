import type { HttpRequest } from '../ports/http-client.ts'
import { BursarError } from '../primitives/errors.ts'

/**
 * The most bytes of request headers: enough for a payment proof that echoes its challenge. Many
 * servers accept only 16 KiB.
 */
const MAX_HEADER_BYTES = 65_536

/** The valid methods: upper case, with room for every registered name. */
const methodName = /^[A-Z]{1,20}$/

/** The refused methods, which turn the connection into a tunnel or echo the request's headers. */
const refusedMethods: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])

/**
 * The headers that frame the message or address the connection. A caller's value could contradict the
 * client's, which permits request smuggling.
 */
export const clientHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

/** The valid header values: visible ASCII, spaces, tabs and the upper half of Latin-1. */
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * Returns the header names and values to send, alternating, always with `accept-encoding: identity`.
 * Throws `request_refused` if the method, a header or the body is not allowed.
 */
export function requestHead({ method, headers, body }: HttpRequest): string[] {
  if (!methodName.test(method) || refusedMethods.has(method)) {
    throw refused('The method is not one that can be sent. Use GET, POST or another in upper case.')
  }
  if (body !== undefined && typeof body !== 'string') {
    throw refused('The body is not a string. It is sent twice, so it cannot be a stream.')
  }
  const head = ['accept-encoding', 'identity']
  const seen = new Set<string>()
  let size = 0
  for (const [spelling, value] of Object.entries(headers)) {
    const name = spelling.toLowerCase()
    if (!headerName.test(spelling)) {
      throw refused('A header has a name that is no HTTP token. Rename it.')
    }
    if (typeof value !== 'string' || !headerValue.test(value)) {
      throw refused(`The header ${name} has a value with characters that HTTP forbids. Encode it.`)
    }
    if (clientHeaders.has(name)) throw refused(`The header ${name} is the client's. Leave it out.`)
    if (seen.has(name)) throw refused(`The header ${name} is given twice. Join its values.`)
    seen.add(name)
    size += name.length + value.length
    if (name !== 'accept-encoding') head.push(name, value)
  }
  if (size > MAX_HEADER_BYTES) {
    throw refused(`The headers have ${size} bytes. Keep them within ${MAX_HEADER_BYTES}.`)
  }
  return head
}

function refused(message: string): BursarError {
  return new BursarError('request_refused', message)
}
