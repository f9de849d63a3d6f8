import { describe, expect, test } from 'vitest'
import type { Terms } from '../ledger/payment.ts'
import { fakeAsset } from '../testing/fake-chain.ts'
import { fakeRail } from '../testing/fake-rail.ts'
import type { ChosenOffer } from './choose-offer.ts'
import { parseRequest, type ResourceRequest } from './request.ts'
import { createTerms, createTermsNonce, hashTerms } from './terms.ts'

const payee = `0x${'Ab'.repeat(20)}`

const chosen: ChosenOffer = {
  rail: fakeRail(),
  offer: {
    scheme: 'exact',
    network: fakeAsset.network,
    asset: fakeAsset.address.toUpperCase(),
    atomic: 10_000n,
    payee,
    validForSeconds: 60,
    echo: { id: 'challenge-1' },
  },
  asset: fakeAsset,
  amountMicro: 10_000n,
}

function request(url = 'https://Shop.example:8443/a?b=c'): ResourceRequest {
  const parsed = parseRequest({ url, purpose: 'x' })
  if ('request' in parsed) return parsed.request
  throw new Error(parsed.problem)
}

const terms = createTerms(chosen, request())

test('the terms are the offer, normalised, with the host that is dialled', () => {
  expect(terms).toEqual({
    rail: 'fake',
    scheme: 'exact',
    network: fakeAsset.network,
    asset: fakeAsset.address,
    currency: 'USD',
    atomic: 10_000n,
    amountMicro: 10_000n,
    payee: payee.toLowerCase(),
    host: 'shop.example:8443',
    requestHash: request().hash,
  })
})

describe('the hash of the terms', () => {
  const changes: { readonly [Field in keyof Terms]: Terms[Field] } = {
    rail: 'other',
    scheme: 'upto',
    network: 'eip155:1',
    asset: `0x${'1'.repeat(40)}`,
    currency: 'EUR',
    atomic: 10_001n,
    amountMicro: 10_001n,
    payee: `0x${'2'.repeat(40)}`,
    host: 'shop.example',
    requestHash: '00',
  }

  test.each(Object.entries(changes))('is another one with another %s', (field, value) => {
    expect(hashTerms({ ...terms, [field]: value })).not.toBe(hashTerms(terms))
  })

  test('is the same for every quote of the same thing: challenge and validity are not in it', () => {
    const later: ChosenOffer = {
      ...chosen,
      offer: { ...chosen.offer, validForSeconds: 30, echo: { id: 'challenge-2' } },
    }
    expect(hashTerms(createTerms(later, request()))).toBe(hashTerms(terms))
  })
})

test('a nonce is 32 bytes that follow from the payment alone', () => {
  expect(createTermsNonce('pay_1')).toMatch(/^0x[0-9a-f]{64}$/)
  expect(createTermsNonce('pay_1')).toBe(createTermsNonce('pay_1'))
  expect(createTermsNonce('pay_1')).not.toBe(createTermsNonce('pay_2'))
})
