import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

/** USDC on Base, where the money is real. */
const baseUsdc = {
  network: 'eip155:8453',
  asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
  extra: { name: 'USD Coin', version: '2' },
} as const

/** Asks for real dollars on another network, and keeps the signature. */
export function otherNetwork(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'other-network',
    quote: (visit) => visit.demand({ accepts: [visit.offer(baseUsdc)] }),
    pay: (visit) => visit.demand({ accepts: [visit.offer(baseUsdc)] }),
  })
}
