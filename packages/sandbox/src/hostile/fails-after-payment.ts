import type { Resource } from '../merchants/merchant.ts'
import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant, receiptHeader } from './hostile-merchant.ts'

const resources: readonly Resource[] = [
  {
    name: 'with receipt',
    method: 'GET',
    path: '/with-receipt',
    price: '0.01',
    contentType: 'application/json',
    description: 'Fails, and says that it was paid.',
  },
  {
    name: 'without receipt',
    method: 'GET',
    path: '/without-receipt',
    price: '0.01',
    contentType: 'application/json',
    description: 'Fails, and says nothing.',
  },
]

/** Takes the money and answers 500; one resource admits that it was paid, the other does not. */
export function failsAfterPayment(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'fails-after-payment',
    resources,
    async pay(visit, payment) {
      const settlement = await visit.settle(payment)
      const headers = visit.path === '/with-receipt' ? receiptHeader(settlement) : {}
      visit.response.writeHead(500, headers).end('{"error":"Something went wrong."}')
    },
  })
}
