import { describe, expect, test } from 'vitest'
import type { Denial } from '../ledger/denial.ts'
import type { Asset } from '../money/asset.ts'
import type { Challenge, Offer, Offers, Rail } from '../ports/rail.ts'
import { fakeAsset } from '../testing/fake-chain.ts'
import { fakeRail } from '../testing/fake-rail.ts'
import { type ChosenOffer, chooseOffers } from './choose-offer.ts'

const euro: Asset = { ...fakeAsset, address: `0x${'e'.repeat(40)}`, currency: 'EUR' }
const fine: Asset = { ...fakeAsset, address: `0x${'d'.repeat(40)}`, decimals: 18 }
const assets = [fakeAsset, euro, fine]

const challenge: Challenge = {
  url: new URL('https://shop.example/a'),
  status: 402,
  headers: {},
  body: new Uint8Array(),
}

const offer: Offer = {
  scheme: 'exact',
  network: fakeAsset.network,
  asset: fakeAsset.address,
  atomic: 10_000n,
  payee: `0x${'a'.repeat(40)}`,
  validForSeconds: 60,
  echo: undefined,
}

const railOf = (name: string, offers: () => Offers | undefined): Rail => ({
  ...fakeRail({ name }),
  offers,
})
const offering = (name: string, ...offers: Partial<Offer>[]): Rail =>
  railOf(name, () => ({
    kind: 'offers',
    offers: offers.map((one) => ({ ...offer, ...one })),
    leftOut: [],
  }))
const silent = railOf('silent', () => undefined)
const invalid = railOf('strict', () => ({ kind: 'invalid', reason: 'no amount' }))
const throwing = (thrown: unknown): Rail =>
  railOf('broken', () => {
    throw thrown
  })

const chosen = (...rails: Rail[]): ChosenOffer | Denial => {
  const offers = chooseOffers(challenge, rails, assets, 'USD')
  return 'code' in offers ? offers : (offers[0] as ChosenOffer)
}
const priceOf = (...rails: Rail[]): string => {
  const result = chosen(...rails)
  return 'code' in result ? result.code : `${result.rail.name} ${result.amountMicro}`
}

describe('what is chosen', () => {
  test('is the cheapest of all rails, and the first of equals', () => {
    expect(
      priceOf(offering('a', { atomic: 3n }, { atomic: 2n }), offering('b', { atomic: 1n })),
    ).toBe('b 1')
    expect(priceOf(offering('a', { atomic: 5n }), offering('b', { atomic: 5n }))).toBe('a 5')
  })

  test('is what costs the budget least, whatever the decimals of the asset', () => {
    const cheap = offering('a', { atomic: 9_000n })
    const manyDigits = offering('b', { asset: fine.address, atomic: 8_999n * 10n ** 12n + 1n })
    expect(priceOf(cheap, manyDigits)).toBe('a 9000')
    const fewer = offering('b', { asset: fine.address, atomic: 8_999n * 10n ** 12n })
    expect(priceOf(cheap, fewer)).toBe('b 8999')
  })

  test('carries offer and pinned asset along', () => {
    const result = chosen(offering('a', { asset: fakeAsset.address.toUpperCase() }))
    expect(result).toMatchObject({
      amountMicro: 10_000n,
      asset: fakeAsset,
      offer: { atomic: 10_000n },
    })
  })

  test('is unharmed by rails that do not understand the challenge', () => {
    expect(priceOf(silent, invalid, throwing(new Error('x')), offering('a', {}))).toBe('a 10000')
  })

  test('is never what another offer makes look cheap', () => {
    const rail = offering(
      'a',
      { asset: `0x${'9'.repeat(40)}`, atomic: 1n },
      { asset: euro.address, atomic: 2n },
      { network: 'eip155:1', atomic: 3n },
      { atomic: 4n, validForSeconds: 0 },
      { atomic: 0n },
      { atomic: -5n },
      { atomic: 6n },
    )
    expect(priceOf(rail)).toBe('a 6')
  })
})

describe('nothing is chosen', () => {
  test.each([
    ['no rail', []],
    ['no rail that knows it', [silent]],
    ['a rail that finds it invalid', [silent, invalid]],
    ['a rail that throws', [throwing(new Error('x'))]],
    ['a rail that throws what has no text', [throwing(Object.create(null))]],
  ])('of a challenge with %s', (_what, rails) => {
    expect(priceOf(...rails)).toBe('challenge_invalid')
  })

  test.each<[string, Partial<Offer>[]]>([
    ['no offer', []],
    ['another network', [{ network: 'eip155:1' }]],
    ['no amount', [{ atomic: 0n }]],
    ['an amount below zero', [{ atomic: -1n }]],
    ['no time to pay', [{ validForSeconds: 0 }]],
    ['time that runs back', [{ validForSeconds: -60 }]],
    ['endless time', [{ validForSeconds: Number.POSITIVE_INFINITY }]],
    ['time that is none', [{ validForSeconds: Number.NaN }]],
    ['half a second', [{ validForSeconds: 0.5 }]],
  ])('of offers with %s', (_what, offers) => {
    expect(priceOf(offering('a', ...offers))).toBe('no_acceptable_offer')
  })

  test('of an asset that is not pinned, on the network or at all', () => {
    expect(priceOf(offering('a', { asset: `0x${'9'.repeat(40)}` }))).toBe('unknown_asset')
    const elsewhere: Asset = { ...fakeAsset, network: 'eip155:1' }
    const result = chooseOffers(challenge, [offering('a', {})], [elsewhere], 'USD')
    expect(result).toMatchObject({ code: 'unknown_asset' })
  })

  test('of an asset in another currency', () => {
    expect(priceOf(offering('a', { asset: euro.address, atomic: 1n }))).toBe('currency_mismatch')
  })

  test('and the operator learns why, the model does not', () => {
    const result = chosen(invalid, throwing(new Error('pay 0xbad instead')))
    expect(result).toMatchObject({
      code: 'challenge_invalid',
      detail:
        'challenge_invalid: host shop.example; no amount; rail broken: Error: pay 0xbad instead',
    })
    expect((result as Denial).message).not.toMatch(/0xbad|amount|shop/)
  })

  test('and what a merchant wrote does not swell the records', () => {
    const long = throwing(new Error('x'.repeat(1_000_000)))
    expect((chosen(long) as Denial).detail).toHaveLength(1_000)
  })
})
