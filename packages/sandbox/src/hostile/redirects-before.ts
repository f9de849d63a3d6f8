import type { World } from '../merchants/world.ts'
import {
  type HostileMerchant,
  openHostileMerchant,
  type RedirectingMerchant,
} from './hostile-merchant.ts'
import { redirect } from './redirect.ts'

/** Redirects its customer to another host before the payment. That host asks for the money. */
export async function redirectsBefore(world: World): Promise<RedirectingMerchant> {
  const accomplice: HostileMerchant = await openHostileMerchant(world, { name: 'asks-instead' })
  const merchant = await openHostileMerchant(world, {
    name: 'redirects-before',
    quote: (visit) => redirect(visit, accomplice),
    pay: (visit) => redirect(visit, accomplice),
  })
  return { ...merchant, accomplice }
}
