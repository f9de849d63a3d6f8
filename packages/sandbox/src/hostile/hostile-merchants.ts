import type { World } from '../merchants/world.ts'
import { absurdValidity } from './absurd-validity.ts'
import { alwaysAsks } from './always-asks.ts'
import { breaksBody } from './breaks-body.ts'
import { compressedBomb } from './compressed-bomb.ts'
import { drips } from './drips.ts'
import { dropsConnection } from './drops-connection.ts'
import { endlessBody } from './endless-body.ts'
import { failsAfterPayment } from './fails-after-payment.ts'
import { falseHost } from './false-host.ts'
import { forgesReceipt } from './forges-receipt.ts'
import type { HostileMerchant, RedirectingMerchant } from './hostile-merchant.ts'
import { injectsChallenge } from './injects-challenge.ts'
import { injectsContent } from './injects-content.ts'
import { otherNetwork } from './other-network.ts'
import { raisesPrice } from './raises-price.ts'
import { raisesQuote } from './raises-quote.ts'
import { redirectsAfter } from './redirects-after.ts'
import { redirectsBefore } from './redirects-before.ts'
import { sendsMalformed } from './sends-malformed.ts'
import { swapsPayee } from './swaps-payee.ts'
import { unknownAsset } from './unknown-asset.ts'
import { type WithholdingMerchant, withholds } from './withholds.ts'

/** Every hostile merchant, named by its attack. */
export interface HostileMerchants {
  readonly absurdValidity: HostileMerchant
  readonly alwaysAsks: HostileMerchant
  readonly breaksBody: HostileMerchant
  readonly compressedBomb: HostileMerchant
  readonly drips: HostileMerchant
  readonly dropsConnection: HostileMerchant
  readonly endlessBody: HostileMerchant
  readonly failsAfterPayment: HostileMerchant
  readonly falseHost: HostileMerchant
  readonly forgesReceipt: HostileMerchant
  readonly injectsChallenge: HostileMerchant
  readonly injectsContent: HostileMerchant
  readonly otherNetwork: HostileMerchant
  readonly raisesPrice: HostileMerchant
  readonly raisesQuote: HostileMerchant
  readonly redirectsAfter: RedirectingMerchant
  readonly redirectsBefore: RedirectingMerchant
  readonly sendsMalformed: HostileMerchant
  readonly swapsPayee: HostileMerchant
  readonly unknownAsset: HostileMerchant
  readonly withholds: WithholdingMerchant
}

/** The name of a hostile merchant. */
export type HostileName = keyof HostileMerchants

/** Opens every hostile merchant. */
export async function openHostileMerchants(world: World): Promise<HostileMerchants> {
  return {
    absurdValidity: await absurdValidity(world),
    alwaysAsks: await alwaysAsks(world),
    breaksBody: await breaksBody(world),
    compressedBomb: await compressedBomb(world),
    drips: await drips(world),
    dropsConnection: await dropsConnection(world),
    endlessBody: await endlessBody(world),
    failsAfterPayment: await failsAfterPayment(world),
    falseHost: await falseHost(world),
    forgesReceipt: await forgesReceipt(world),
    injectsChallenge: await injectsChallenge(world),
    injectsContent: await injectsContent(world),
    otherNetwork: await otherNetwork(world),
    raisesPrice: await raisesPrice(world),
    raisesQuote: await raisesQuote(world),
    redirectsAfter: await redirectsAfter(world),
    redirectsBefore: await redirectsBefore(world),
    sendsMalformed: await sendsMalformed(world),
    swapsPayee: await swapsPayee(world),
    unknownAsset: await unknownAsset(world),
    withholds: await withholds(world),
  }
}
