/**
 * How version 1 of the protocol names networks. Others have no name in it, and are written as
 * CAIP-2 by the servers that use them all the same.
 */
const names: ReadonlyMap<string, string> = new Map([
  ['ethereum', 'eip155:1'],
  ['sepolia', 'eip155:11155111'],
  ['base', 'eip155:8453'],
  ['base-sepolia', 'eip155:84532'],
  ['polygon', 'eip155:137'],
  ['polygon-amoy', 'eip155:80002'],
  ['avalanche', 'eip155:43114'],
  ['avalanche-fuji', 'eip155:43113'],
])

/** The CAIP-2 id of a network that version 1 names; other text is given back as it is. */
export function networkOf(name: string): string {
  return names.get(name) ?? name
}

/** The chain id in a CAIP-2 id such as `eip155:8453`. */
export function chainIdOf(network: string): number {
  return Number(network.slice('eip155:'.length))
}
