import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { World } from '../merchants/world.ts'
import {
  type HostileMerchant,
  makeMerchantReceipt,
  openHostileMerchant,
} from './hostile-merchant.ts'

const chunk: Buffer = Buffer.alloc(64 * 1024, 'x')

/** Takes the money and delivers a body without end, to fill the memory of its customer. */
export function endlessBody(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'endless-body',
    async pay(visit, payment) {
      const settlement = await visit.settle(payment)
      visit.response.writeHead(200, {
        ...makeMerchantReceipt(settlement),
        'content-type': 'text/plain',
      })
      await pipeline(Readable.from(repeatEndlessChunk()), visit.response)
    },
  })
}

function* repeatEndlessChunk(): Generator<Buffer> {
  while (true) yield chunk
}
