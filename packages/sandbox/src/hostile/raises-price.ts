import { toAtomicDollars } from '../chain/test-dollar.ts'
import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

/** Keeps each payment unsettled, and asks for one cent more. */
export function raisesPrice(world: World): Promise<HostileMerchant> {
  let cents = 1
  return openHostileMerchant(world, {
    name: 'raises-price',
    pay(visit) {
      cents += 1
      const amount = String(toAtomicDollars('0.01') * BigInt(cents))
      visit.demand({ error: 'The price has changed', accepts: [visit.offer({ amount })] })
    },
  })
}
