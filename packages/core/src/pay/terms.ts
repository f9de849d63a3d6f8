import type { Terms } from '../ledger/payment.ts'
import { hashOf, sha256 } from '../primitives/hash.ts'
import type { Chosen } from './choose-offer.ts'
import type { ResourceRequest } from './request.ts'

/** Fixes what will be checked, signed and recorded. */
export function termsOf(chosen: Chosen, request: ResourceRequest): Terms {
  const { rail, offer, asset, amountMicro } = chosen
  return {
    rail: rail.name,
    scheme: offer.scheme,
    network: offer.network,
    asset: asset.address,
    currency: asset.currency,
    atomic: offer.atomic,
    amountMicro,
    payee: offer.payee.toLowerCase(),
    host: request.url.host,
    requestHash: request.hash,
  }
}

/** Hash of the terms: the same for every quote that asks for the same thing. */
export function termsHash(terms: Terms): string {
  const { rail, scheme, network, asset, currency, payee, host, requestHash } = terms
  const amounts = [terms.atomic.toString(), terms.amountMicro.toString()]
  return hashOf('terms', [
    rail,
    scheme,
    network,
    asset,
    currency,
    ...amounts,
    payee,
    host,
    requestHash,
  ])
}

/** The chain's own key of exactly-once: 32 bytes that follow from the payment's id. */
export function nonceOf(paymentId: string): `0x${string}` {
  return `0x${sha256(`bursar/nonce/1/${paymentId}`)}`
}
