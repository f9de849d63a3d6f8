/**
 * The CAIP-2 id of each network that version 1 of the protocol names. Servers write any other
 * network as CAIP-2.
 */
const names: ReadonlyMap<string, string> = new Map([
  ['ethereum', 'eip155:1'],
  ['sepolia', 'eip155:11155111'],
  ['abstract', 'eip155:2741'],
  ['abstract-testnet', 'eip155:11124'],
  ['base', 'eip155:8453'],
  ['base-sepolia', 'eip155:84532'],
  ['avalanche', 'eip155:43114'],
  ['avalanche-fuji', 'eip155:43113'],
  ['iotex', 'eip155:4689'],
  ['sei', 'eip155:1329'],
  ['sei-testnet', 'eip155:1328'],
  ['polygon', 'eip155:137'],
  ['polygon-amoy', 'eip155:80002'],
  ['peaq', 'eip155:3338'],
  ['story', 'eip155:1514'],
  ['educhain', 'eip155:41923'],
  ['skale-base-sepolia', 'eip155:324705682'],
  ['megaeth', 'eip155:4326'],
  ['monad', 'eip155:143'],
  ['stable', 'eip155:988'],
  ['stable-testnet', 'eip155:2201'],
  ['celo', 'eip155:42220'],
  ['flare', 'eip155:14'],
])

/** Translates a network's name in version 1 to its CAIP-2 id. Returns any other text unchanged. */
export function toNetworkName(name: string): string {
  return names.get(name) ?? name
}

/** Returns the chain id of a CAIP-2 id such as `eip155:8453`. */
export function parseChainOfNetworkName(network: string): number {
  return Number(network.slice('eip155:'.length))
}
