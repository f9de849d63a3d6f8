import { describe, expect, test } from 'vitest'
import { createNetworkAsks } from '../guard/network-asks.ts'
import type { MerchantRule } from '../ledger/merchant.ts'
import type { Asset } from '../money/asset.ts'
import { BursarError } from '../primitives/errors.ts'
import { fakeAsset } from '../testing/fake-chain.ts'
import { fakeRail } from '../testing/fake-rail.ts'
import type { OpenCall } from './call-context.ts'
import type { ChosenOffer } from './choose-offer.ts'
import { chooseFundedOffer } from './funded-offer.ts'

const rail = fakeRail()

/** An offer in an asset of its own, with a price and a payee that say which one it is. */
function offerOf(nth: number): ChosenOffer {
  const asset: Asset = { ...fakeAsset, address: `0x${`${nth}`.repeat(40)}` }
  const price = BigInt(nth) * 10_000n
  const offer = {
    ...{ scheme: 'exact', network: asset.network, asset: asset.address, atomic: price },
    ...{ payee: `0x${'a'.repeat(39)}${nth}`, validForSeconds: 60, echo: undefined },
  }
  return { rail, offer, asset, amountMicro: price }
}

const offers = [1, 2, 3, 4].map(offerOf)

/** A balance by the number of its asset: what is held, or an error. A missing one is empty. */
type Balances = Readonly<Record<number, bigint | Error>>

function choose(balances: Balances, merchants: readonly (readonly MerchantRule[])[] = []) {
  const asked: number[] = []
  const [delegation, session] = merchants
  const balance = async (_rail: unknown, asset: Asset) => {
    const nth = Number(asset.address[2])
    asked.push(nth)
    const held = balances[nth] ?? 0n
    if (held instanceof Error) throw held
    return held
  }
  const context = {
    guard: {
      instruments: { address: async () => '0xpayer', balance },
      networkAsks: createNetworkAsks(),
    },
    state: {
      session: { merchants: session },
      ancestors: [],
      delegation: { instrument: 'w', endUser: 'alice', merchants: delegation },
    },
    request: { url: new URL('https://shop.example/a') },
  }
  const chosen = chooseFundedOffer(context as unknown as OpenCall, offers)
  return chosen.then(({ chosen: { offer }, funds }) => ({
    nth: Number(offer.asset[2]),
    funds,
    asked,
  }))
}

const down = new BursarError('rail_unreachable', 'eip155:1, rpc 1 of 2: down.')

describe('the offer that is paid', () => {
  test('is the cheapest that the wallet can pay, and no dearer one is asked about', async () => {
    expect(await choose({ 1: 10_000n, 2: 99_999n })).toMatchObject({ nth: 1, asked: [1] })
    expect(await choose({ 1: 9_999n, 2: 20_000n })).toMatchObject({ nth: 2, asked: [1, 2] })
    expect(await choose({ 1: down, 3: 30_000n })).toMatchObject({ nth: 3, asked: [1, 2, 3] })
  })

  test('is the cheapest if none of three can be paid, and a fourth is not asked about', async () => {
    expect(await choose({ 1: 1n, 4: 99_999n })).toEqual({
      nth: 1,
      funds: { payer: '0xpayer', balanceAtomic: 1n },
      asked: [1, 2, 3],
    })
  })

  test('is one whose balance could not be read, before one that is too low', async () => {
    const { nth, funds } = await choose({ 2: down, 3: new TypeError('odd') })
    expect([nth, funds.unread]).toEqual([
      2,
      {
        code: 'network_unavailable',
        cause: `the balance of 0xpayer on ${fakeAsset.network} is not known: eip155:1, rpc 1 of 2: down.`,
      },
    ])
    expect((await choose({ 1: new TypeError('odd') })).funds.unread?.cause).toMatch(/: no answer$/)
  })

  test('goes to a payee that is listed, if any does', async () => {
    const rich = { 1: 99_999n, 2: 99_999n, 3: 99_999n }
    const rule = (nth: number) => [
      { host: 'shop.example', payees: [offers[nth - 1]?.offer.payee ?? ''] },
    ]
    const other = [{ host: 'other.example', payees: ['0x00'] }]
    expect(await choose(rich, [rule(2)])).toMatchObject({ nth: 2, asked: [2] })
    expect(await choose(rich, [[{ host: 'shop.example' }], rule(3)])).toMatchObject({ nth: 3 })
    expect(await choose(rich, [other])).toMatchObject({ nth: 1 })
    // No listed payee: the decision refuses the cheapest.
    expect(await choose(rich, [rule(2), rule(3)])).toMatchObject({ nth: 1 })
  })
})
