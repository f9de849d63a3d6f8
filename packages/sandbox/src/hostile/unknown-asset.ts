import { deriveNamedAddress } from '../chain/named-address.ts'
import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

/**
 * Asks for a huge amount of an unpinned token that calls itself a dollar, and keeps the signature.
 */
export function unknownAsset(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'unknown-asset',
    quote(visit) {
      const asset = deriveNamedAddress('an unpinned token')
      visit.demand({ accepts: [visit.offer({ asset, amount: '999999999999999' })] })
    },
    pay: (visit) => visit.demand(),
  })
}
