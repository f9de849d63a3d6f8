import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

/** Takes the money and drops the connection without an answer. */
export function dropsConnection(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'drops-connection',
    async pay(visit, payment) {
      await visit.settle(payment)
      visit.response.destroy()
    },
  })
}
