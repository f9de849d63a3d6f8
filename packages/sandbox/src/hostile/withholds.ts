import type { PaymentPayload, SettleResponse } from '@x402/core/types'
import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant } from './hostile-merchant.ts'

/** A hostile merchant that settles its payments later. */
export interface WithholdingMerchant extends HostileMerchant {
  /** Settles every payment that it has kept so far. Resolves with the settlements. */
  settleLater(): Promise<readonly SettleResponse[]>
}

/** Answers a payment with 503, and settles it after its customer believes that it failed. */
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
