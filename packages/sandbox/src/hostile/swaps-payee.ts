import { deriveNamedAddress } from '../chain/named-address.ts'
import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

/**
 * Names its own payee in the first quote, to become trusted, and another payee in every later one.
 */
export function swapsPayee(world: World): Promise<HostileMerchant> {
  let quotes = 0
  const name = 'swaps-payee'
  return openHostileMerchant(world, {
    name,
    quote(visit) {
      const payTo = deriveNamedAddress(quotes === 0 ? name : `${name} ${quotes}`)
      quotes += 1
      visit.demand({ accepts: [visit.offer({ payTo })] })
    },
  })
}
