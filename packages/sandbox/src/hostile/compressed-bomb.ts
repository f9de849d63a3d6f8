import { gzipSync } from 'node:zlib'
import type { World } from '../merchants/world.ts'
import {
  type HostileMerchant,
  makeMerchantReceipt,
  openHostileMerchant,
} from './hostile-merchant.ts'

const memberBytes = 1024 * 1024
const members = 1024

/** Takes the money and delivers one megabyte that decompresses to a gigabyte. */
export function compressedBomb(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'compressed-bomb',
    async pay(visit, payment) {
      const settlement = await visit.settle(payment)
      // A gzip file may repeat one small member many times.
      const body = Buffer.concat(Array(members).fill(gzipSync(Buffer.alloc(memberBytes))))
      visit.response.writeHead(200, {
        ...makeMerchantReceipt(settlement),
        'content-type': 'text/plain',
        'content-encoding': 'gzip',
        'content-length': body.length,
      })
      visit.response.end(body)
    },
  })
}
