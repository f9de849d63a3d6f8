/** A token that budgets may be spent in: network, contract, decimals and currency are pinned. */
export interface Asset {
  /** CAIP-2, for example `eip155:8453`. */
  readonly network: string
  /** The contract's address, lower case. */
  readonly address: string
  readonly symbol: string
  /** A listed stablecoin counts 1:1 in this currency. */
  readonly currency: string
  readonly decimals: number
  /** The EIP-712 domain of the contract. */
  readonly name: string
  readonly version: string
}

const usdc = { symbol: 'USDC', currency: 'USD', decimals: 6, version: '2' } as const

/**
 * The assets that are known from the start: USDC on the main EVM networks, where its contract
 * speaks EIP-3009. More can be pinned by configuration, never by a challenge.
 */
export const pinnedAssets: readonly Asset[] = freeze([
  {
    ...usdc,
    network: 'eip155:1',
    address: '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48',
    name: 'USD Coin',
  },
  {
    ...usdc,
    network: 'eip155:8453',
    address: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
    name: 'USD Coin',
  },
  {
    ...usdc,
    network: 'eip155:84532',
    address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
    name: 'USDC',
  },
  {
    ...usdc,
    network: 'eip155:137',
    address: '0x3c499c542cef5e3811e1192ce70d8cc03d5c3359',
    name: 'USD Coin',
  },
  {
    ...usdc,
    network: 'eip155:42161',
    address: '0xaf88d065e77c8cc2239327c5edb3a432268e5831',
    name: 'USD Coin',
  },
  {
    ...usdc,
    network: 'eip155:421614',
    address: '0x75faf114eafb1bdbe2f0316df893fd58ce46aa4d',
    name: 'USD Coin',
  },
  {
    ...usdc,
    network: 'eip155:43114',
    address: '0xb97ef9ef8734c71904d8002f8b6bc66dd9c48a6e',
    name: 'USD Coin',
  },
])

/** The pinned asset at an address, or `undefined`: an unknown asset is never paid in. */
export function findAsset(
  assets: readonly Asset[],
  network: string,
  address: string,
): Asset | undefined {
  const wanted = address.toLowerCase()
  return assets.find((asset) => asset.network === network && asset.address === wanted)
}

/** What a currency or a decimal is must not be changed by other code of the process. */
function freeze(assets: readonly Asset[]): readonly Asset[] {
  return Object.freeze(assets.map((asset) => Object.freeze(asset)))
}
