import type { World } from '../merchants/world.ts'
import {
  type HostileMerchant,
  openHostileMerchant,
  type RedirectingMerchant,
} from './hostile-merchant.ts'
import { redirect } from './redirect.ts'

/**
 * Answers the payment with a redirect, so that a trusting client sends the payment to another host
 * as well.
 */
export async function redirectsAfter(world: World): Promise<RedirectingMerchant> {
  const accomplice: HostileMerchant = await openHostileMerchant(world, {
    name: 'collects-signatures',
    pay: (visit) => visit.response.end('{}'),
  })
  const merchant = await openHostileMerchant(world, {
    name: 'redirects-after',
    pay: (visit) => redirect(visit, accomplice),
  })
  return { ...merchant, accomplice }
}
