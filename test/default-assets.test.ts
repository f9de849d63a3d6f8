import { listedStablecoins, pinnedAssets } from '@bursar/core'
import { DEFAULT_ASSETS } from '@x402/evm'
import { describe, expect, test } from 'vitest'

/** Checks whether a dollar of the official table is not payable: its contract lacks EIP-3009. */
const isUnpayable = (asset: { readonly assetTransferMethod?: string | undefined }): boolean =>
  asset.assetTransferMethod !== undefined && asset.assetTransferMethod !== 'eip3009'

const official = Object.entries(DEFAULT_ASSETS).flatMap(([network, assets]) =>
  assets
    .filter((asset) => !isUnpayable(asset))
    .map(({ asset, name, version, decimals, symbol }) => ({
      network,
      address: asset.toLowerCase(),
      symbol,
      currency: 'USD',
      decimals,
      name,
      version,
    })),
)

describe('the tables of assets and the official one', () => {
  test('agree on USDC, native and bridged', () => {
    const usdc = official.filter(({ symbol }) => symbol.startsWith('USDC'))
    expect(new Set(pinnedAssets)).toEqual(new Set(usdc))
  })

  test('agree on the other dollars, of which none is pinned without being asked', () => {
    const others = official.filter(({ symbol }) => !symbol.startsWith('USDC'))
    expect(new Set(listedStablecoins)).toEqual(new Set(others))
  })
})
