import { describe, expect, test } from 'vitest'
import { listedStablecoins, pinnedAssets } from './pinned-assets.ts'

describe('the tables of assets', () => {
  test('have each contract once, in lower case, with six decimals', () => {
    const all = [...pinnedAssets, ...listedStablecoins]
    const names = all.map(({ network, address }) => `${network} ${address}`)
    expect(new Set(names).size).toBe(names.length)
    for (const asset of all) {
      expect(asset).toMatchObject({ currency: 'USD', decimals: 6 })
      expect(asset.address).toMatch(/^0x[0-9a-f]{40}$/)
      expect(asset.network).toMatch(/^eip155:[1-9][0-9]*$/)
      expect(Object.isFrozen(asset)).toBe(true)
    }
  })

  test('pin only USDC, native or bridged, without being asked', () => {
    for (const { symbol } of pinnedAssets) expect(['USDC', 'USDC.e']).toContain(symbol)
    for (const { symbol } of listedStablecoins) expect(symbol).not.toMatch(/USDC/)
  })
})
