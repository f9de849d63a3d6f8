import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

/** Names another host in its challenge, to profit from that host's good reputation. */
export function falseHost(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'false-host',
    quote(visit) {
      const url = 'https://bank.example/statement'
      visit.demand({ resource: { url, description: 'Your statement', serviceName: 'The Bank' } })
    },
  })
}
