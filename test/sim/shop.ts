import { type FakeRequest, type FakeResource, fakePayee } from '@bursar/core/testing'
import type { Faults } from './faults.ts'

/** The merchants of the world. */
export const hosts = ['shop.example', 'data.example'] as const

/** The price of each path, in atomic units. */
export const prices = [10_000n, 10_000n, 20_000n, 5_000n, 30_000n, 1n] as const

/** Returns the resource at a path, and draws the merchant's conduct for this request. */
export function resourceOf(request: FakeRequest, faults: Faults): FakeResource {
  const path = Number(request.url.pathname.slice(1))
  const offer = { atomic: prices[path] ?? 10_000n, validForSeconds: 15 * (1 + (path % 5)) }
  const conduct = faults.conduct()
  // A request with a payload finds the terms that were quoted.
  const shop = request.proof ? 'asks' : faults.shop()
  switch (shop) {
    case 'asks':
      return { conduct, offers: [{ ...offer, ...offerOf(request) }] }
    case 'fails':
      return { answer: { status: 503 } }
    case 'is free':
      return { offers: [] }
    case 'talks nonsense':
      return { answer: { status: 402, body: new TextEncoder().encode('{"fakeOffers":7}') } }
    case 'asks another price':
      return { conduct, offers: [{ ...offer, atomic: offer.atomic * 2n }] }
    case 'asks for another payee':
      return { conduct, offers: [{ ...offer, payee: fakePayee.replace('5e', '6e') }] }
    default:
      return shop satisfies never
  }
}

/** A payload is for the terms at its signing, whatever the merchant asks now. */
function offerOf({ proof }: FakeRequest): { atomic?: bigint; payee?: string } {
  return proof ? { atomic: proof.authorization.value, payee: proof.authorization.to } : {}
}
