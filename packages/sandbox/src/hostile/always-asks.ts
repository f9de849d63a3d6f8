import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

/** Answers every payment with its challenge again, and collects the signatures. */
export function alwaysAsks(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, { name: 'always-asks', pay: (visit) => visit.demand() })
}
