import { lookup as systemLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { BursarError } from '../primitives/errors.ts'
import { isLocalAddress, isPublicAddress } from './public-address.ts'
import { createFailure } from './request-failure.ts'

/** A resolver of host names. Returns all IP addresses in order of preference, and throws if there is none. */
export type Lookup = (hostname: string) => Promise<readonly string[]>

/** The options of `pinAddress`. */
export interface PinnedAddressOptions {
  /** Whether the operator listed the host for development, so that its address may be local. */
  readonly development: boolean
  /** Replaces the resolver of the system. */
  readonly lookup?: Lookup | undefined
}

/**
 * Resolves the host of a URL, checks all its addresses, and returns the first one, which has to be dialled.
 *
 * Throws `request_refused` if any of the addresses is not public: with a mixed answer the owner of the name
 * would choose by chance. Throws `dns` if the name cannot be resolved.
 */
export async function pinAddress(url: URL, options: PinnedAddressOptions): Promise<string> {
  const addresses = await resolveHostAddresses(url, options)
  for (const address of addresses) {
    if (isPublicAddress(address)) continue
    if (options.development && isLocalAddress(address)) continue
    throw createAddressError(url, address, options.development)
  }
  const [first] = addresses
  if (first === undefined) throw createAddressLookupError(url)
  return first
}

async function resolveHostAddresses(
  url: URL,
  { lookup = lookUpSystemAddresses }: PinnedAddressOptions,
): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0) return [host]
  // RFC 6761 reserves all of .localhost for loopback, but system resolvers often know `localhost`
  // alone, and may put ::1 first while the server listens on 127.0.0.1.
  if (host === 'localhost' || host.endsWith('.localhost')) return ['127.0.0.1']
  try {
    return [...(await lookup(host))]
  } catch (cause) {
    throw createAddressLookupError(url, cause)
  }
}

async function lookUpSystemAddresses(hostname: string): Promise<readonly string[]> {
  const answers = await systemLookup(hostname, { all: true })
  return answers.map(({ address }) => address)
}

function createAddressError(url: URL, address: string, development: boolean): BursarError {
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

/** Returns the text if it is an IP address: another resolver may return any text. */
function describeAddress(address: string): string {
  return isIP(address) === 0 ? 'something that is no IP address' : address
}

function createAddressLookupError(url: URL, cause?: unknown): BursarError {
  return createFailure('dns', `${url.hostname} could not be resolved`, cause)
}
