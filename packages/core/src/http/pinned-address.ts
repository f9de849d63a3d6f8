import { lookup as systemLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { BursarError } from '../primitives/errors.ts'
import { isLocalAddress, isPublicAddress } from './public-address.ts'

/**
 * A function that resolves a host name to all its IP addresses, in order of preference. It throws if
 * the name has none.
 */
export type Lookup = (hostname: string) => Promise<readonly string[]>

/** The options of `pinnedAddress`. */
export interface PinnedAddressOptions {
  /** True if the operator listed the host for development, which permits local addresses. */
  readonly development: boolean
  /**
   * The resolver of host names.
   *
   * @default the resolver of the operating system
   */
  readonly lookup?: Lookup | undefined
}

/**
 * Returns the address to connect to for a URL: the first address of its host, after all of them have
 * passed the check.
 *
 * Refuses a host that has both public and private addresses, because an attacker who controls the
 * name could otherwise retry until a private one comes first. Throws `request_refused` if an address
 * is not public, and `request_failed` if the name cannot be resolved.
 */
export async function pinnedAddress(url: URL, options: PinnedAddressOptions): Promise<string> {
  const addresses = await resolve(url, options)
  for (const address of addresses) {
    if (isPublicAddress(address)) continue
    if (options.development && isLocalAddress(address)) continue
    throw refused(url, address, options.development)
  }
  const [first] = addresses
  if (first === undefined) throw unresolvedHostError(url)
  return first
}

async function resolve(
  url: URL,
  { lookup = systemAddresses }: PinnedAddressOptions,
): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0) return [host]
  // RFC 6761 reserves all of .localhost for loopback, but system resolvers often know `localhost`
  // alone, and may put ::1 first while the server listens on 127.0.0.1.
  if (host === 'localhost' || host.endsWith('.localhost')) return ['127.0.0.1']
  try {
    return [...(await lookup(host))]
  } catch (cause) {
    throw unresolvedHostError(url, cause)
  }
}

async function systemAddresses(hostname: string): Promise<readonly string[]> {
  const answers = await systemLookup(hostname, { all: true })
  return answers.map(({ address }) => address)
}

function refused(url: URL, address: string, development: boolean): BursarError {
  const rule = development
    ? 'neither public nor local to this machine or its network'
    : 'not a public address'
  const wayOut = development
    ? 'Serve it from a loopback, private or public address.'
    : `Ask for a public host, or list ${url.host} in development.hosts while developing.`
  return new BursarError(
    'request_refused',
    `${url.hostname} stands for ${describeAddress(address)}, which is ${rule}. ${wayOut}`,
  )
}

/** Returns text for an error message: a custom lookup may return text that is no address. */
function describeAddress(address: string): string {
  return isIP(address) === 0 ? 'something that is no IP address' : address
}

function unresolvedHostError(url: URL, cause?: unknown): BursarError {
  return new BursarError('request_failed', `${url.hostname} could not be resolved.`, { cause })
}
