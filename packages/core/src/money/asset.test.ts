import { describe, expect, test } from 'vitest'
import { type Asset, findAsset } from './asset.ts'
import { pinnedAssets } from './pinned-assets.ts'

const base = 'eip155:8453'
const usdc = '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913'

describe('findAsset', () => {
  test('finds an address in any case', () => {
    const upper = usdc.toUpperCase().replace('0X', '0x')
    expect(findAsset(pinnedAssets, base, usdc)?.name).toBe('USD Coin')
    expect(findAsset(pinnedAssets, base, upper)?.address).toBe(usdc)
  })

  test.each([
    ['another network', 'eip155:1', usdc],
    ['a network that only starts alike', 'eip155:84530', usdc],
    ['a network in other letters', 'EIP155:8453', usdc],
    ['another address', base, usdc.replace('8335', '8336')],
    ['a longer address', base, `${usdc}00`],
    ['an address with a blank', base, ` ${usdc}`],
    ['no address', base, ''],
    ['what every object has', 'constructor', '__proto__'],
  ])('does not find %s', (_what, network, address) => {
    expect(findAsset(pinnedAssets, network, address)).toBe(undefined)
  })

  test('an asset that comes later redefines none', () => {
    const redefined: Asset = {
      network: base,
      address: usdc,
      symbol: 'USDC',
      currency: 'USD',
      decimals: 18,
      name: 'USD Coin',
      version: '2',
    }
    expect(findAsset([...pinnedAssets, redefined], base, usdc)?.decimals).toBe(6)
  })
})
