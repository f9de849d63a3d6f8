import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** The IPv6 range that the internet routes. Every address outside this range counts as special. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')

/** The cloud metadata services, which serve machine credentials, in otherwise harmless ranges. */
const metadata = [
  // Azure, in public address space.
  ipaddr.parseCIDR('168.63.129.16/32'),
  // AWS and Google Cloud, in unique local address space.
  ipaddr.parseCIDR('fd00:ec2::/32'),
  ipaddr.parseCIDR('fd20:ce::/32'),
]

const localRanges: ReadonlySet<string> = new Set(['loopback', 'private', 'uniqueLocal'])

/**
 * Returns true if the text is the IP address of a host on the public internet.
 *
 * Returns false for loopback, private, shared, link-local, multicast, documentation, benchmark,
 * discard and reserved ranges, addresses that embed an IPv4 address (mapped, compatible, NAT64, 6to4,
 * Teredo), cloud metadata services, scoped addresses, and text that is not an address in the form
 * that a resolver writes.
 */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text)
  if (address === undefined || isMetadata(address)) return false
  if (address instanceof ipaddr.IPv6 && !address.match(globalUnicast)) return false
  return address.range() === 'unicast'
}

/**
 * Returns true if the text is an address of this machine or its network: loopback, private or unique
 * local. Returns false for link-local addresses and cloud metadata services, in development too.
 */
export function isLocalAddress(text: string): boolean {
  const address = parseAddress(text)
  return address !== undefined && !isMetadata(address) && localRanges.has(address.range())
}

function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  // The parser also accepts 127.1, 0x7f.1 and 017700000001, which programs read differently.
  if (isIP(text) === 0 || text.includes('%')) return undefined
  return ipaddr.parse(text)
}

function isMetadata(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return metadata.some(
    ([block, bits]) => block.kind() === address.kind() && address.match(block, bits),
  )
}
