import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

const tenYearsInSeconds = 10 * 365 * 24 * 60 * 60

/** Asks for a signature that is valid for ten years. It settles at once, although it could wait. */
export function absurdValidity(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'absurd-validity',
    quote(visit) {
      visit.demand({ accepts: [visit.offer({ maxTimeoutSeconds: tenYearsInSeconds })] })
    },
  })
}
