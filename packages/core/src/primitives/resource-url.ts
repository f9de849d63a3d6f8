import { BursarError } from './errors.ts'

/**
 * What browsers, proxies and logs carry without cutting. Also bounds what percent-encoding adds.
 */
const MAX_URL_LENGTH = 2_048

/** The longest name that DNS knows. */
const MAX_HOST_LENGTH = 253

/** Below it live the system's own services (mail, shells, databases), none of which speaks HTTP. */
const FIRST_USER_PORT = 1_024

/**
 * Separators, controls, invisible formatting and lone surrogates: they make a URL look like
 * another.
 */
const unseen = /[\p{Z}\p{C}]/u

/** Percent-encoded letters, digits, `-`, `.`, `_` and `~`, which mean the same without (RFC 3986, 6.2.2.2). */
const encodedUnreserved = /%(2[de]|3\d|4[1-9a-f]|5[\daf]|6[1-9a-f]|7[\dae])/gi

/** A host name of letters, digits, `-` and `_`, in labels that DNS can carry. */
const hostName = /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/

/**
 * Reads the URL of a resource as a model, a merchant or a tenant wrote it.
 *
 * The result is normalised: lower-case punycode host without a trailing dot, no fragment, nothing
 * percent-encoded that need not be. Nothing is resolved or dialled. Throws `request_refused`, naming the rule, for: anything but absolute
 * http and https URLs (whether http is allowed is for the client to decide, host by host), more
 * than 2,048 characters, whitespace, control and invisible characters, backslashes, user info, host
 * names that DNS cannot carry, and ports below 1024 other than 80 and 443.
 */
export function parseResourceUrl(text: string): URL {
  if (typeof text !== 'string') throw refused('is not a string', 'Give an absolute https URL')
  if (text.length > MAX_URL_LENGTH) throw tooLong(text.length)
  if (unseen.test(text) || text.includes('\\')) {
    throw refused(
      'contains whitespace, a backslash, or a control or invisible character',
      'Percent-encode it',
    )
  }
  const authority = /^https?:\/\/([^/?#]+)/i.exec(text)?.[1]
  if (authority === undefined) {
    throw refused('is not an absolute http or https URL', 'Give one such as https://host/path')
  }
  if (authority.includes('@')) {
    throw refused('has user info before its host', 'Leave it out; credentials belong in a header')
  }
  const url = URL.parse(text)
  if (url === null) throw refused('has a host or port that is not valid', 'Correct it')
  normaliseHost(url)
  checkPort(url)
  url.hash = ''
  const { pathname, search } = url
  url.pathname = decoded(pathname)
  // Setting none would take an empty one away.
  if (search !== '') url.search = decoded(search)
  if (url.href.length > MAX_URL_LENGTH) throw tooLong(url.href.length)
  return url
}

/** The host as people are to see it: punycode, with the port if it is not the scheme's own. */
export function displayHost(url: URL): string {
  return url.host
}

/** Until there is none left: what is decoded may stand behind a `%`. */
function decoded(text: string): string {
  const next = text.replace(encodedUnreserved, decodeURIComponent)
  return next === text ? text : decoded(next)
}

function normaliseHost(url: URL): void {
  if (url.hostname.startsWith('[')) return
  const host = url.hostname.replace(/\.$/, '')
  if (host.length > MAX_HOST_LENGTH || !hostName.test(host)) {
    throw refused('has a host name that DNS cannot carry', 'Give the host as its owner writes it')
  }
  url.hostname = host
}

function checkPort(url: URL): void {
  const port = url.port === '' ? 443 : Number(url.port)
  if (port >= FIRST_USER_PORT || port === 80 || port === 443) return
  throw refused(`has port ${port}`, 'Use 80, 443, or a port from 1024 on')
}

function tooLong(length: number): BursarError {
  return refused(`is ${length} characters long`, `Keep it within ${MAX_URL_LENGTH}`)
}

function refused(what: string, wayOut: string): BursarError {
  return new BursarError('request_refused', `The URL ${what}. ${wayOut}.`)
}
