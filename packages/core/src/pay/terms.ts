import type { Terms } from '../ledger/payment.ts'
import { hashOf, sha256Hash } from '../primitives/hash.ts'
import type { ChosenOffer } from './choose-offer.ts'
import type { ResourceRequest } from './request.ts'

/** Returns the terms of an offer for a request: they are checked, signed and recorded. */
export function createTerms(chosen: ChosenOffer, request: ResourceRequest): Terms {
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

/** Returns the hash of terms. Quotes with equal terms have equal hashes. */
export function hashTerms(terms: Terms): string {
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

/** Returns the payment's nonce, 32 bytes derived from its id: the block chain accepts it once. */
export function createTermsNonce(paymentId: string): `0x${string}` {
  return `0x${sha256Hash(`bursar/nonce/1/${paymentId}`)}`
}
