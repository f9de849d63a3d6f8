import { randomBytes } from 'node:crypto'
import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

/** Delivers with a receipt for a transaction that does not exist, and keeps the signature. */
export function forgesReceipt(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'forges-receipt',
    pay(visit) {
      const transaction = `0x${randomBytes(32).toString('hex')}`
      visit.deliver({ success: true, transaction, network: world.asset.network })
    },
  })
}
