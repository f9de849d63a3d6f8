import type { HttpRequest } from '../ports/http-client.ts'
import { BursarError } from '../primitives/errors.ts'

/** Servers commonly refuse more than 16 KiB; a proof and its challenge's echo need their share. */
const MAX_HEADER_BYTES = 65_536

/** Longer than any method that a registry knows. */
const methodName = /^[A-Z]{1,20}$/

/** They turn the connection into something else, or mirror the request's headers. */
const refusedMethods: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** They frame the message or address the connection: two opinions on those smuggle requests. */
const clientHeaders: ReadonlySet<string> = new Set([
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

/** Visible characters, blanks and tabs, and the upper half of Latin-1. No line end, no NUL. */
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * The headers as they are sent, names and values in turn, with `accept-encoding: identity` among
 * them whatever the caller asked for. Throws `request_refused` for a method, header or
 * body that may not be.
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
