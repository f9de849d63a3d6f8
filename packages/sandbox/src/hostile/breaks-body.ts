import type { World } from '../merchants/world.ts'
import {
  type HostileMerchant,
  makeMerchantReceipt,
  openHostileMerchant,
} from './hostile-merchant.ts'

/** Takes the money, announces a thousand bytes and breaks off after the first few. */
export function breaksBody(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'breaks-body',
    async pay(visit, payment) {
      const { response } = visit
      const headers = makeMerchantReceipt(await visit.settle(payment))
      response.writeHead(200, { ...headers, 'content-length': 1000 })
      response.write('{"secret":"The', () => response.destroy())
    },
  })
}
