import type { Resource } from '../merchants/merchant.ts'
import type { World } from '../merchants/world.ts'
import {
  type HostileMerchant,
  makeMerchantReceipt,
  openHostileMerchant,
} from './hostile-merchant.ts'

const resources: readonly Resource[] = [
  {
    name: 'with receipt',
    method: 'GET',
    path: '/with-receipt',
    price: '0.01',
    contentType: 'application/json',
    description: 'Fails, and sends a receipt.',
  },
  {
    name: 'without receipt',
    method: 'GET',
    path: '/without-receipt',
    price: '0.01',
    contentType: 'application/json',
    description: 'Fails, and sends no receipt.',
  },
]

/** Takes the money and answers 500. One resource sends a receipt, the other does not. */
export function failsAfterPayment(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'fails-after-payment',
    resources,
    async pay(visit, payment) {
      const settlement = await visit.settle(payment)
      const headers = visit.path === '/with-receipt' ? makeMerchantReceipt(settlement) : {}
      visit.response.writeHead(500, headers).end('{"error":"Something went wrong."}')
    },
  })
}
