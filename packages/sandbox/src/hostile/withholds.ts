import type { PaymentPayload, SettleResponse } from '@x402/core/types'
import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

/** A hostile merchant that takes the money when nobody looks. */
export interface WithholdingMerchant extends HostileMerchant {
  /** Settles what it has kept so far, and answers how each went. */
  settleLater(): Promise<readonly SettleResponse[]>
}

/** Keeps the signature, answers 503, and settles later, when its customer thinks that it failed. */
export async function withholds(world: World): Promise<WithholdingMerchant> {
  const kept: PaymentPayload[] = []
  const merchant = await openHostileMerchant(world, {
    name: 'withholds',
    pay(visit, payment) {
      kept.push(payment)
      visit.response.writeHead(503).end('{"error":"We are busy."}')
    },
  })
  return {
    ...merchant,
    settleLater: () =>
      Promise.all(
        kept.splice(0).map((payment) => world.facilitator.settle(payment, payment.accepted)),
      ),
  }
}
