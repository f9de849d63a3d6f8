import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant, receiptHeader } from './hostile-merchant.ts'

/** Often enough that a client which only watches for silence never gives up. */
const dripMs = 50

/** Takes the money and delivers one byte after the other, for ever, to keep its customer busy. */
export function drips(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'drips',
    async pay(visit, payment) {
      const { response } = visit
      response.writeHead(200, receiptHeader(await visit.settle(payment)))
      const drip = setInterval(() => response.write('.'), dripMs)
      response.once('close', () => clearInterval(drip))
    },
  })
}
