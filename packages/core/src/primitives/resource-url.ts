import { BursarError } from './errors.ts'

/**
 * The longest URL, counted before and after percent-encoding: browsers, proxies and logs carry this much
 * uncut.
 */
const MAX_URL_LENGTH = 2_048

/** The longest name that DNS carries. */
const MAX_HOST_LENGTH = 253

/** The first port above the system services (mail, shells, databases), which do not speak HTTP. */
const FIRST_USER_PORT = 1_024

/**
 * Separators, controls, invisible formatting and lone surrogates, with which one URL looks like another.
 */
const invisibleCharacter = /[\p{Z}\p{C}]/u

/** The percent-encoded unreserved characters of RFC 3986, 6.2.2.2: letters, digits, `- . _ ~`. */
const encodedUnreserved = /%(2[de]|3\d|4[1-9a-f]|5[\daf]|6[1-9a-f]|7[\dae])/gi

/** A host name of letters, digits, `-` and `_`, in labels that DNS can carry. */
const hostName = /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/

/**
 * Parses the URL of a resource from a model, a merchant or a tenant, without resolving or dialling it.
 *
 * Returns a normalised URL: lower-case punycode host without a trailing dot, no fragment, and unreserved
 * characters decoded. Throws `request_refused`, naming the broken rule, for anything but an absolute http or
 * https URL (the client decides for each host whether http is allowed), more than 2,048 characters,
 * whitespace, control and invisible characters, backslashes, user info, host names that DNS cannot carry,
 * and ports below 1024 other than 80 and 443.
 */
export function parseResourceUrl(text: string): URL {
  if (typeof text !== 'string')
    throw createUrlError('is not a string', 'Give an absolute https URL')
  if (text.length > MAX_URL_LENGTH) throw createUrlLengthError(text.length)
  if (invisibleCharacter.test(text) || text.includes('\\')) {
    throw createUrlError(
      'contains whitespace, a backslash, or a control or invisible character',
      'Percent-encode it',
    )
  }
  const authority = /^https?:\/\/([^/?#]+)/i.exec(text)?.[1]
  if (authority === undefined) {
    throw createUrlError(
      'is not an absolute http or https URL',
      'Give one such as https://host/path',
    )
  }
  if (authority.includes('@')) {
    throw createUrlError(
      'has user info before its host',
      'Leave it out; credentials belong in a header',
    )
  }
  const url = URL.parse(text)
  if (url === null) throw createUrlError('has a host or port that is not valid', 'Correct it')
  normaliseUrlHost(url)
  assertUrlPort(url)
  url.hash = ''
  const { pathname, search } = url
  url.pathname = decodeUnreservedInUrl(pathname)
  // Setting an empty query would remove a lone `?`.
  if (search !== '') url.search = decodeUnreservedInUrl(search)
  if (url.href.length > MAX_URL_LENGTH) throw createUrlLengthError(url.href.length)
  return url
}

/** Decodes unreserved characters again and again: decoding `%%36%31` leaves `%61`. */
function decodeUnreservedInUrl(text: string): string {
  const decoded = text.replace(encodedUnreserved, decodeURIComponent)
  return decoded === text ? text : decodeUnreservedInUrl(decoded)
}

function normaliseUrlHost(url: URL): void {
  if (url.hostname.startsWith('[')) return
  const host = url.hostname.replace(/\.$/, '')
  if (host.length > MAX_HOST_LENGTH || !hostName.test(host)) {
    throw createUrlError(
      'has a host name that DNS cannot carry',
      'Give the host as its owner writes it',
    )
  }
  url.hostname = host
}

function assertUrlPort(url: URL): void {
  const port = url.port === '' ? 443 : Number(url.port)
  if (port >= FIRST_USER_PORT || port === 80 || port === 443) return
  throw createUrlError(`has port ${port}`, 'Use 80, 443, or a port from 1024 on')
}

function createUrlLengthError(length: number): BursarError {
  return createUrlError(`is ${length} characters long`, `Keep it within ${MAX_URL_LENGTH}`)
}

function createUrlError(problem: string, wayOut: string): BursarError {
  return new BursarError('request_refused', `The URL ${problem}. ${wayOut}.`)
}
