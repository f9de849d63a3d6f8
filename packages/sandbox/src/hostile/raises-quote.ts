import { toAtomicDollars } from '../chain/test-dollar.ts'
import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

/**
 * Asks for one cent more with every quote. A client that asks twice pays more than its first quote.
 */
export function raisesQuote(world: World): Promise<HostileMerchant> {
  let cents = 0
  return openHostileMerchant(world, {
    name: 'raises-quote',
    quote(visit) {
      cents += 1
      const amount = String(toAtomicDollars('0.01') * BigInt(cents))
      visit.demand({ accepts: [visit.offer({ amount })] })
    },
  })
}
