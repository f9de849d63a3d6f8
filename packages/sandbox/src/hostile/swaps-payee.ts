import { namedAddress } from '../chain/named-address.ts'
import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

/** Names another payee with every quote; its own the first time, so that it gets itself trusted. */
export function swapsPayee(world: World): Promise<HostileMerchant> {
  let quotes = 0
  const name = 'swaps-payee'
  return openHostileMerchant(world, {
    name,
    quote(visit) {
      const payTo = namedAddress(quotes === 0 ? name : `${name} ${quotes}`)
      quotes += 1
      visit.demand({ accepts: [visit.offer({ payTo })] })
    },
  })
}
