import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** The range of IPv6 addresses that the internet routes. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')

/** Metadata services of clouds within other ranges: they answer with the credentials of the machine. */
const metadata = [
  // Azure, in public address space.
  ipaddr.parseCIDR('168.63.129.16/32'),
  // AWS and Google Cloud, in unique local address space.
  ipaddr.parseCIDR('fd00:ec2::/32'),
  ipaddr.parseCIDR('fd20:ce::/32'),
]

const localRanges: ReadonlySet<string> = new Set(['loopback', 'private', 'uniqueLocal'])

/**
 * Checks whether a text is an IP address on the public internet.
 *
 * Returns false for loopback, private, shared, link-local, multicast, documentation, benchmark, discard and
 * reserved ranges, for addresses that contain an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo), for
 * metadata services of clouds, for scoped addresses, and for text that no resolver writes.
 */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text)
  if (address === undefined || isMetadataAddress(address)) return false
  if (address instanceof ipaddr.IPv6 && !address.match(globalUnicast)) return false
  return address.range() === 'unicast'
}

/**
 * Checks whether a text is an address of this machine or its own network: loopback, private or unique local.
 * Returns false for link-local addresses and metadata services of clouds.
 */
export function isLocalAddress(text: string): boolean {
  const address = parseAddress(text)
  return address !== undefined && !isMetadataAddress(address) && localRanges.has(address.range())
}

function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  // The parser also reads 127.1, 0x7f.1 and 017700000001, which programs read in different ways.
  if (isIP(text) === 0 || text.includes('%')) return undefined
  return ipaddr.parse(text)
}

function isMetadataAddress(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return metadata.some(
    ([block, bits]) => block.kind() === address.kind() && address.match(block, bits),
  )
}
