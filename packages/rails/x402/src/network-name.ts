/**
 * The CAIP-2 id of each network that version 1 of the protocol names. Servers write any other
 * network as CAIP-2.
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

/** Translates a network's name in version 1 to its CAIP-2 id. Returns any other text unchanged. */
export function toCaip2(name: string): string {
  return names.get(name) ?? name
}

/** Returns the chain id of a CAIP-2 id such as `eip155:8453`. */
export function parseChainId(network: string): number {
  return Number(network.slice('eip155:'.length))
}
