import { BursarError } from '@bursar/core/session'

/** The address of the service and the caller's key. */
export interface EndpointOptions {
  /** The address of the service, `https`, or `http` on this machine. May have a path. */
  readonly url: string
  /** The caller's own key, or a token of the identity provider, up to 8,000 characters. */
  readonly key: string
}

/** A service with the headers of its caller. */
export interface Endpoint {
  /** The service's address without a trailing slash. */
  readonly base: string
  readonly headers: Readonly<Record<string, string>>
}

/** The form of a text that a header can carry. */
const headerText = /^[\x21-\x7e]{1,8000}$/

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * Parses the options of the function `source`. Throws `invalid_input` with the name of the unusable
 * field. No message repeats a key.
 */
export function parseEndpoint({ url, key }: EndpointOptions, source: string): Endpoint {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    throw endpointInputError(`${source}: url: must be the https address of the service.`)
  }
  if (parsed.username || parsed.password || parsed.search || parsed.hash) {
    throw endpointInputError(`${source}: url: must have no user, query or fragment.`)
  }
  if (parsed.protocol === 'http:' && !loopback.test(parsed.hostname)) {
    throw endpointInputError(`${source}: url: plain http would expose the key. Use https.`)
  }
  if (typeof key !== 'string' || !headerText.test(key)) {
    throw endpointInputError(`${source}: key: must be a key of the service.`)
  }
  const base = parsed.origin + parsed.pathname.replace(/\/+$/, '')
  return { base, headers: { authorization: `Bearer ${key}` } }
}

/** Makes an `invalid_input` error. */
export function endpointInputError(message: string): BursarError {
  return new BursarError('invalid_input', message)
}
