import { type Asset, pinnedAssets } from '@bursar/core'

const asset = pinnedAssets.find(({ network }) => network === 'eip155:84532')
if (!asset) throw new Error('The asset of the benchmark is not pinned.')

/** The price of every item in the benchmarks: one cent of a known asset. */
export const price: {
  readonly asset: Asset
  readonly network: 'eip155:84532'
  readonly payee: `0x${string}`
  readonly atomic: string
} = {
  asset,
  network: 'eip155:84532',
  payee: `0x${'5e11e4'.padStart(40, '0')}`,
  atomic: '10000',
}

/** The response time of a merchant that is far away, in milliseconds. */
export const FAR_MS = 20
