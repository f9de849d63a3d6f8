import { lookup as systemLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { BursarError } from '../primitives/errors.ts'
import { isLocalAddress, isPublicAddress } from './public-address.ts'

/** Resolves a host name to all its IP addresses, in order of preference; throws if it has none. */
export type Lookup = (hostname: string) => Promise<readonly string[]>

/** How an address is chosen. */
export interface PinnedAddressOptions {
  /** The operator listed the host for development: it may be local. */
  readonly development: boolean
  readonly lookup?: Lookup | undefined
}

/**
 * The one address to dial for this URL: the first that its host resolves to, once all of them
 * passed.
 *
 * One answer with a public and a private address is refused as a whole: whoever controls the name
 * would otherwise choose by chance. Throws `request_refused` for an address that is not public, and
 * `request_failed` when the name cannot be resolved.
 */
export async function pinnedAddress(url: URL, options: PinnedAddressOptions): Promise<string> {
  const addresses = await resolve(url, options)
  for (const address of addresses) {
    if (isPublicAddress(address)) continue
    if (options.development && isLocalAddress(address)) continue
    throw refused(url, address, options.development)
  }
  const [first] = addresses
  if (first === undefined) throw unresolved(url)
  return first
}

async function resolve(
  url: URL,
  { lookup = systemAddresses }: PinnedAddressOptions,
): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0) return [host]
  // RFC 6761 gives all of .localhost to loopback, but the system's resolver often knows only
  // `localhost` itself, and may put ::1 first where nothing listens.
  if (host === 'localhost' || host.endsWith('.localhost')) return ['127.0.0.1']
  try {
    return [...(await lookup(host))]
  } catch (cause) {
    throw unresolved(url, cause)
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
    `${url.hostname} stands for ${printable(address)}, which is ${rule}. ${wayOut}`,
  )
}

/** A custom lookup may answer anything; only an address is worth repeating. */
function printable(address: string): string {
  return isIP(address) === 0 ? 'something that is no IP address' : address
}

function unresolved(url: URL, cause?: unknown): BursarError {
  return new BursarError('request_failed', `${url.hostname} could not be resolved.`, { cause })
}
