import type { Asset } from './asset.ts'

const dollar = { currency: 'USD', decimals: 6 } as const

/**
 * The assets that can be paid in from the start: Circle's USDC, and bridged USDC, where the contract
 * speaks EIP-3009. Configuration can pin more assets; a challenge never can.
 */
export const pinnedAssets: readonly Asset[] = freezePinnedAsset([
  {
    ...dollar,
    network: 'eip155:1',
    address: '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48',
    symbol: 'USDC',
    name: 'USD Coin',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:50',
    address: '0xfa2958cb79b0491cc627c1557f441ef849ca8eb1',
    symbol: 'USDC',
    name: 'USDC',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:51',
    address: '0xb5ab69f7bbada22b28e79c8ffaece55ef1c771d4',
    symbol: 'USDC',
    name: 'USDC',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:137',
    address: '0x3c499c542cef5e3811e1192ce70d8cc03d5c3359',
    symbol: 'USDC',
    name: 'USD Coin',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:143',
    address: '0x754704bc059f8c67012fed69bc8a327a5aafb603',
    symbol: 'USDC',
    name: 'USDC',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:1328',
    address: '0x4fcf1784b31630811181f670aea7a7bef803eaed',
    symbol: 'USDC',
    name: 'USDC',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:1329',
    address: '0xe15fc38f6d8c56af07bbcbe3baf5708a2bf42392',
    symbol: 'USDC',
    name: 'USDC',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:8453',
    address: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
    symbol: 'USDC',
    name: 'USD Coin',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:36900',
    address: '0x9cb8142aebbcdc60af7c97af897a67a8f3ca71c2',
    symbol: 'USDC.e',
    name: 'USDC.e',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:42161',
    address: '0xaf88d065e77c8cc2239327c5edb3a432268e5831',
    symbol: 'USDC',
    name: 'USD Coin',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:42220',
    address: '0xceba9300f2b948710d2653dd7b07f33a8b32118c',
    symbol: 'USDC',
    name: 'USDC',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:43114',
    address: '0xb97ef9ef8734c71904d8002f8b6bc66dd9c48a6e',
    symbol: 'USDC',
    name: 'USD Coin',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:84532',
    address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
    symbol: 'USDC',
    name: 'USDC',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:181228',
    address: '0x401ecb1d350407f13ba348573e5630b83638e30d',
    symbol: 'USDC.e',
    name: 'Bridged USDC',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:190415',
    address: '0x401ecb1d350407f13ba348573e5630b83638e30d',
    symbol: 'USDC.e',
    name: 'Bridged USDC',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:421614',
    address: '0x75faf114eafb1bdbe2f0316df893fd58ce46aa4d',
    symbol: 'USDC',
    name: 'USD Coin',
    version: '2',
  },
  {
    ...dollar,
    network: 'eip155:11142220',
    address: '0x01c5c0122039549ad1493b8220cabedd739bc44e',
    symbol: 'USDC',
    name: 'USDC',
    version: '2',
  },
])

/** The symbol of a listed stablecoin that `createBursar` pins on request. */
export type StablecoinSymbol = 'USDT' | 'USDT0' | 'USAT'

/**
 * Other dollars whose contracts speak EIP-3009. They count 1:1 as US dollars only where the operator
 * names them in `stablecoins` of `createBursar`: that they keep their value is the operator's risk.
 */
export const listedStablecoins: readonly (Asset & { readonly symbol: StablecoinSymbol })[] =
  freezePinnedAsset([
    {
      ...dollar,
      network: 'eip155:42220',
      address: '0xd2ab3c9a02dbbab236bfec45d1d755df4267f771',
      symbol: 'USAT',
      name: 'Tether America USD',
      version: '1',
    },
    {
      ...dollar,
      network: 'eip155:42220',
      address: '0x48065fbbe25f71c9282ddf5e1cd6d6a887483d5e',
      symbol: 'USDT',
      name: 'Tether USD',
      version: '1',
    },
    {
      ...dollar,
      network: 'eip155:14',
      address: '0xe7cd86e13ac4309349f30b3435a9d337750fc82d',
      symbol: 'USDT0',
      name: 'USD₮0',
      version: '1',
    },
    {
      ...dollar,
      network: 'eip155:988',
      address: '0x779ded0c9e1022225f8e0630b35a9b54be713736',
      symbol: 'USDT0',
      name: 'USDT0',
      version: '1',
    },
    {
      ...dollar,
      network: 'eip155:2201',
      address: '0x78cf24370174180738c5b8e352b6d14c83a6c9a9',
      symbol: 'USDT0',
      name: 'USDT0',
      version: '1',
    },
  ])

/** Freezes the table, so that no other code of the process changes a currency or its decimals. */
function freezePinnedAsset<One extends Asset>(assets: readonly One[]): readonly One[] {
  return Object.freeze(assets.map((asset) => Object.freeze(asset)))
}
