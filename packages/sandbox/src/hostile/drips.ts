import type { World } from '../merchants/world.ts'
import {
  type HostileMerchant,
  makeMerchantReceipt,
  openHostileMerchant,
} from './hostile-merchant.ts'

/** The time between two bytes. A client that only watches for silence never gives up. */
const dripMs = 50

/** The time that the challenge asks for, which a paid request gets. */
const maxTimeoutSeconds = 10

/** Takes the money and delivers single bytes without end, to keep its customer busy. */
export function drips(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'drips',
    quote(visit) {
      visit.demand({ accepts: [visit.offer({ maxTimeoutSeconds })] })
    },
    async pay(visit, payment) {
      const { response } = visit
      response.writeHead(200, makeMerchantReceipt(await visit.settle(payment)))
      const drip = setInterval(() => response.write('.'), dripMs)
      response.once('close', () => clearInterval(drip))
    },
  })
}
