import type { HttpRequest } from '../ports/http-client.ts'
import { BursarError } from '../primitives/errors.ts'
import { connectionHeaders } from './connection-headers.ts'

/** The most bytes of a request's headers. A proof and the echo of its challenge need many of them. */
const MAX_HEADER_BYTES = 65_536

/** A method's name, as registries write it. */
const methodName = /^[A-Z]{1,20}$/

/** Methods that turn the connection into a tunnel, or mirror the request's headers. */
const refusedMethods: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])

const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

/** Visible characters, blanks, tabs and the upper half of Latin-1, without line ends and NUL. */
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * Returns the headers of a request as they are sent, names and values in turn. Sets `accept-encoding` to
 * `identity`, and `accept` and `user-agent` if the caller did not. Throws `request_refused` for a method,
 * header or body that must not be sent.
 */
export function buildRequestHead({ method, headers, body }: HttpRequest): string[] {
  if (!methodName.test(method) || refusedMethods.has(method)) {
    throw createRequestError(
      'The method is not one that can be sent. Use GET, POST or another in upper case.',
    )
  }
  if (body !== undefined && typeof body !== 'string') {
    throw createRequestError(
      'The body is not a string. It is sent twice, so it cannot be a stream.',
    )
  }
  const head = ['accept-encoding', 'identity']
  const seen = new Set<string>()
  let size = 0
  for (const [spelling, value] of Object.entries(headers)) {
    const name = spelling.toLowerCase()
    if (!headerName.test(spelling)) {
      throw createRequestError('A header has a name that is no HTTP token. Rename it.')
    }
    if (typeof value !== 'string' || !headerValue.test(value)) {
      throw createRequestError(
        `The header ${name} has a value with characters that HTTP forbids. Encode it.`,
      )
    }
    if (connectionHeaders.has(name))
      throw createRequestError(`The header ${name} is the client's. Leave it out.`)
    if (seen.has(name))
      throw createRequestError(`The header ${name} is given twice. Join its values.`)
    seen.add(name)
    size += name.length + value.length
    if (name !== 'accept-encoding') head.push(name, value)
  }
  if (size > MAX_HEADER_BYTES) {
    throw createRequestError(
      `The headers have ${size} bytes. Keep them within ${MAX_HEADER_BYTES}.`,
    )
  }
  for (const [name, value] of Object.entries(defaultHeaders)) {
    if (!seen.has(name)) head.push(name, value)
  }
  return head
}

/** Headers that many servers refuse a request without. */
const defaultHeaders: Readonly<Record<string, string>> = { accept: '*/*', 'user-agent': 'bursar' }

function createRequestError(message: string): BursarError {
  return new BursarError('request_refused', message)
}
