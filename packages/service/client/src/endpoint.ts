import { BursarError } from '@bursar/core/session'

/** Where the service is, and who calls it. */
export interface EndpointOptions {
  /** The address of the service. `https`, or `http` on this machine. It may have a path. */
  readonly url: string
  /** The caller's own key, or its token of the identity provider. */
  readonly key: string
}

/** A service that can be called. */
export interface Endpoint {
  /** Without a slash at its end. */
  readonly base: string
  readonly headers: Readonly<Record<string, string>>
}

/** Texts that a header can carry. */
const headerText = /^[\x21-\x7e]{1,8000}$/

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Throws `invalid_input` with the field; no message repeats a key. */
export function endpointOf({ url, key }: EndpointOptions, what: string): Endpoint {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    throw invalid(`${what}: url: must be the http address of the service.`)
  }
  if (parsed.username || parsed.password || parsed.search || parsed.hash) {
    throw invalid(`${what}: url: must have no user, no query and no fragment.`)
  }
  if (parsed.protocol === 'http:' && !loopback.test(parsed.hostname)) {
    throw invalid(`${what}: url: a key must not go over plain http. Use https.`)
  }
  if (typeof key !== 'string' || !headerText.test(key)) {
    throw invalid(`${what}: key: must be a key of the service.`)
  }
  const base = parsed.origin + parsed.pathname.replace(/\/+$/, '')
  return { base, headers: { authorization: `Bearer ${key}` } }
}

export function invalid(message: string): BursarError {
  return new BursarError('invalid_input', message)
}
