import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * All of IPv6 that the internet routes. What lies outside is special, named by a standard or not.
 */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')

/** Where clouds answer with a machine's own credentials, in ranges that are harmless otherwise. */
const metadata = [
  // Azure; it lies in the middle of public address space.
  ipaddr.parseCIDR('168.63.129.16/32'),
  // AWS and Google Cloud, in unique local address space.
  ipaddr.parseCIDR('fd00:ec2::/32'),
  ipaddr.parseCIDR('fd20:ce::/32'),
]

const localRanges: ReadonlySet<string> = new Set(['loopback', 'private', 'uniqueLocal'])

/**
 * True for an IP address, as text, that belongs to a host on the public internet.
 *
 * Anything else is false: loopback, private, shared, link-local, multicast, documentation,
 * benchmark, discard and reserved ranges, addresses that carry an IPv4 address inside (mapped,
 * compatible, NAT64, 6to4, Teredo), cloud metadata services, scoped addresses, and text that is not
 * an address in the form that a resolver writes it.
 */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text)
  if (address === undefined || isMetadata(address)) return false
  if (address instanceof ipaddr.IPv6 && !address.match(globalUnicast)) return false
  return address.range() === 'unicast'
}

/**
 * True for an address of this machine or of its own network: loopback, private and unique local.
 * Link-local addresses and cloud metadata services are not among them, not even for development.
 */
export function isLocalAddress(text: string): boolean {
  const address = parseAddress(text)
  return address !== undefined && !isMetadata(address) && localRanges.has(address.range())
}

function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  // The parser also reads 127.1, 0x7f.1 and 017700000001, which no two programs read alike.
  if (isIP(text) === 0 || text.includes('%')) return undefined
  return ipaddr.parse(text)
}

function isMetadata(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return metadata.some(
    ([block, bits]) => block.kind() === address.kind() && address.match(block, bits),
  )
}
