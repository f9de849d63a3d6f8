import { findAsset, pinnedAssets } from '@bursar/core'
import { DEFAULT_ASSETS } from '@x402/evm'
import { expect, test } from 'vitest'

test.each(pinnedAssets)('$symbol on $network is what the official package knows', (asset) => {
  const known = DEFAULT_ASSETS[asset.network as keyof typeof DEFAULT_ASSETS]?.find(
    (one) => one.symbol === asset.symbol,
  )
  expect(known).toBeDefined()
  expect({ ...known, asset: known?.asset.toLowerCase() }).toEqual({
    asset: asset.address,
    symbol: asset.symbol,
    decimals: asset.decimals,
    name: asset.name,
    version: asset.version,
  })
})

test('no pinned asset moves by anything but EIP-3009', () => {
  const others = Object.entries(DEFAULT_ASSETS).flatMap(([network, assets]) =>
    assets
      .filter((asset) => asset.assetTransferMethod !== undefined)
      .map((asset) => findAsset(pinnedAssets, network, asset.asset)),
  )
  expect(others.length).toBeGreaterThan(0)
  expect(others.filter(Boolean)).toEqual([])
})
