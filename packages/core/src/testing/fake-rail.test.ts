import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { HttpResponse } from '../ports/http-client.ts'
import type { Authorization, HttpChallenge, HttpPayload, OpenPayment } from '../ports/rail.ts'
import type { SignRequest } from '../ports/wallet.ts'
import { type FakeChain, type FakeChainOptions, fakeAsset, fakeChain } from './fake-chain.ts'
import { type FakeConduct, fakeMerchant, fakePayee } from './fake-merchant.ts'
import { type FakeRail, fakeChallenge, fakeRail } from './fake-rail.ts'
import { fakeSignature, fakeWallet } from './fake-wallet.ts'
import { manualClock } from './manual-clock.ts'
import { type RailWorld, testRail } from './test-rail.ts'

const url = new URL('https://api.example.com/thing')
const payer = await fakeWallet().address('evm')
const nonce = `0x${'11'.repeat(32)}` as const

interface World {
  readonly clock: ReturnType<typeof manualClock>
  readonly chain: FakeChain
  readonly rail: FakeRail
  readonly payment: OpenPayment
  prove(authorization?: Authorization): Promise<HttpPayload>
}

function world(options: FakeChainOptions = {}): World {
  const clock = manualClock()
  const chain = fakeChain({ clock, ...options })
  chain.mint(fakeAsset, payer, 50_000n)
  const rail = fakeRail({ chain })
  const wallet = fakeWallet()
  const payment: OpenPayment = {
    paymentId: 'payment-1',
    terms: {
      rail: 'fake',
      scheme: 'exact',
      network: fakeAsset.network,
      asset: fakeAsset.address,
      currency: 'USD',
      atomic: 10_000n,
      amountMicro: 10_000n,
      payee: fakePayee,
      host: url.host,
      requestHash: 'a',
    },
    asset: fakeAsset,
    payer,
    nonce,
    validBefore: chain.time() + 60,
    reservedAt: chain.time(),
  }
  const prove = async (authorization: Authorization = payment): Promise<HttpPayload> => {
    const proof = await rail.prove(authorization, { isMessage: false }, async (request) => {
      const signed = await wallet.sign(request)
      if (!('signature' in signed)) throw new Error(signed.reason)
      return signed.signature
    })
    if ('headers' in proof) return proof
    throw new Error('The proof is not for HTTP.')
  }
  return { clock, chain, rail, payment, prove }
}

async function send(
  chain: FakeChain,
  conduct: FakeConduct,
  proof?: HttpPayload,
): Promise<HttpResponse> {
  const merchant = fakeMerchant({ chain, resource: () => ({ conduct }) })
  const headers = { ...proof?.headers }
  return merchant.request({ method: 'GET', url, headers }, { isolation: 'alice' })
}

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function fileForChain(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fake-chain-'))
  folders.push(folder)
  return join(folder, 'chain.jsonl')
}

async function railWorld(cancels: boolean): Promise<RailWorld> {
  const clock = manualClock()
  const chain = fakeChain({ clock })
  chain.mint(fakeAsset, payer, 1_000_000n)
  const outOfReach = fakeChain()
  outOfReach.setReachable(false)
  const wallet = fakeWallet()
  const merchant = fakeMerchant({ chain })
  const ask = async (headers: HttpPayload['headers'] = {}): Promise<HttpResponse> =>
    merchant.request({ method: 'GET', url, headers }, { isolation: 'alice' })
  return {
    rail: fakeRail({ chain, cancels }),
    unreachable: fakeRail({ chain: outOfReach }),
    asset: fakeAsset,
    payer,
    payee: fakePayee,
    async sign(request) {
      const signed = await wallet.sign(request)
      if ('signature' in signed) return signed.signature
      throw new Error(signed.reason)
    },
    now: () => chain.time(),
    demand: async () => ({ url, ...(await ask()) }),
    pay: (proof) => ask(proof.headers),
    advance: async (seconds) => clock.advance(seconds * 1000),
    malformed: [
      { url, ...fakeChallenge([]), body: new TextEncoder().encode('{"fakeOffers":[{}]}') },
    ],
  }
}

testRail('fakeRail', () => railWorld(false), { describe, test, expect })
testRail('fakeRail with cancellation', () => railWorld(true), { describe, test, expect })

describe('a fake payment', () => {
  test('is asked for, signed, settled and proven', async () => {
    const { chain, rail, payment, prove } = world()
    const asked = await send(chain, 'honest')
    expect(rail.offers({ url, ...asked }, [fakeAsset])).toEqual({
      kind: 'offers',
      offers: [
        {
          scheme: 'exact',
          network: fakeAsset.network,
          asset: fakeAsset.address,
          atomic: 10_000n,
          payee: fakePayee,
          validForSeconds: 60,
          echo: { isMessage: false },
        },
      ],
      leftOut: [],
    })
    const paid = await send(chain, 'honest', await prove())
    expect(paid.status).toBe(200)
    const [transfer] = chain.transfers(nonce)
    expect(transfer).toMatchObject({ from: payer, to: fakePayee, atomic: 10_000n })
    expect(rail.read(paid, payment)).toEqual({
      outcome: 'settled',
      transaction: transfer?.transaction,
    })
    expect(await rail.reconcile(payment)).toEqual({
      outcome: 'settled',
      evidence: {
        transaction: transfer?.transaction,
        block: `${chain.time()}`,
        reason: 'transferred',
      },
    })
    expect(await rail.balance(fakeAsset, payer)).toBe(40_000n)
    expect(chain.balance(fakeAsset, fakePayee)).toBe(10_000n)
  })

  test('settles once however often its proof is sent', async () => {
    const { chain, rail, payment, prove } = world()
    const proof = await prove()
    await send(chain, 'honest', proof)
    const again = await send(chain, 'honest', proof)
    expect(rail.read(again, payment)).toMatchObject({ outcome: 'refused' })
    expect(chain.transfers()).toHaveLength(1)
    expect(chain.received).toHaveLength(2)
  })

  test('is not settled when its terms are not what was signed', async () => {
    const { chain, prove } = world()
    const { headers } = await prove()
    const tampered = JSON.stringify(headers).replace(
      /validBefore\\":\\"\d+/,
      'validBefore\\":\\"9999999999',
    )
    const answer = await send(chain, 'honest', { headers: JSON.parse(tampered) })
    expect(answer.status).toBe(402)
    expect(chain.settle(nonce)).toEqual({ settled: false, reason: 'invalid_signature' })
  })

  test.each<[string, Partial<Authorization['terms']>, Partial<Authorization['asset']>]>([
    ['amount', { atomic: 9_999n }, {}],
    ['payee', { payee: payer }, {}],
    ['asset', {}, { address: fakePayee }],
    ['network', {}, { network: 'eip155:1' }],
  ])('for another %s than the offer is not settled', async (_what, terms, asset) => {
    const { chain, payment, prove } = world()
    const other = {
      ...payment,
      terms: { ...payment.terms, ...terms },
      asset: { ...payment.asset, ...asset },
    }
    const answer = await send(chain, 'delivers_free', await prove(other))
    expect(answer.status).toBe(402)
    expect(chain.received).toHaveLength(1)
    expect(chain.transfers()).toEqual([])
  })

  test('is not proven by a nonce that was used for another asset', async () => {
    const { chain, rail, payment, prove } = world()
    await send(chain, 'honest', await prove())
    const terms = { ...payment.terms, asset: fakePayee }
    expect(await rail.reconcile({ ...payment, terms })).toMatchObject({ outcome: 'open' })
  })

  test('that was withheld can be settled until it expires, and not at that second', async () => {
    const { clock, chain, rail, payment, prove } = world()
    await send(chain, 'delivers_free', await prove())
    clock.advance(59_999)
    expect(await rail.reconcile(payment)).toMatchObject({ outcome: 'open' })
    clock.advance(1)
    expect(chain.settle(nonce)).toEqual({ settled: false, reason: 'expired' })
    expect(await rail.reconcile(payment)).toMatchObject({ outcome: 'released' })
    expect(chain.settleLate(nonce)).toMatchObject({ settled: true })
    expect(await rail.reconcile(payment)).toMatchObject({ outcome: 'settled' })
  })

  test('is not proven before its block is final', async () => {
    const { clock, chain, rail, payment, prove } = world({ finalitySeconds: 10 })
    await send(chain, 'honest', await prove())
    clock.advance(9_000)
    expect(await rail.reconcile(payment)).toMatchObject({ outcome: 'open' })
    clock.advance(1_000)
    expect(await rail.reconcile(payment)).toMatchObject({ outcome: 'settled' })
  })

  test('can be cancelled where the rail says so', async () => {
    const { chain, rail, payment, prove } = world()
    const sign = async (request: SignRequest): Promise<`0x${string}`> => fakeSignature(request)
    expect(await rail.cancel(payment, sign)).toMatchObject({ outcome: 'unavailable' })
    const cancelling = fakeRail({ chain, cancels: true })
    await expect(cancelling.cancel(payment, async () => '0x00')).rejects.toThrow('signature')
    expect(await cancelling.cancel(payment, sign)).toEqual({ outcome: 'asked' })
    expect(await cancelling.cancel(payment, sign)).toMatchObject({ outcome: 'refused' })
    expect(await rail.reconcile(payment)).toMatchObject({ outcome: 'released' })
    await send(chain, 'delivers_free', await prove())
    expect(chain.settle(nonce)).toEqual({ settled: false, reason: 'used' })
  })

  test('needs a balance', async () => {
    const { chain, prove } = world()
    chain.burn(fakeAsset, payer, 40_001n)
    await send(chain, 'delivers_free', await prove())
    expect(chain.settle(nonce)).toEqual({ settled: false, reason: 'balance_too_low' })
    expect(() => chain.burn(fakeAsset, payer, 10_000n)).toThrow(RangeError)
  })

  test('cannot be judged while the chain is out of reach', async () => {
    const { chain, rail, payment } = world()
    chain.setReachable(false)
    await expect(rail.reconcile(payment)).rejects.toThrow('out of reach')
    await expect(rail.balance(fakeAsset, payer)).rejects.toThrow('out of reach')
  })
})

describe('a fake chain in a file', () => {
  test('is the same for everyone who opens it, and settles once', async () => {
    const file = fileForChain()
    const { clock, chain, prove } = world({ file })
    const other = fakeChain({ clock, file })
    await send(chain, 'delivers_free', await prove())
    expect(other.received).toHaveLength(1)
    expect(other.settle(nonce)).toMatchObject({ settled: true })
    expect(other.cancel(payer, nonce)).toBe(false)
    expect(chain.use(payer, nonce, chain.time())).toMatchObject({ kind: 'transfer' })
    expect(chain.received).toHaveLength(1)
    expect(chain.settle(nonce)).toEqual({ settled: false, reason: 'used' })
    expect(chain.transfers(nonce)).toHaveLength(1)
    expect(fakeChain({ clock, file }).balance(fakeAsset, payer)).toBe(40_000n)
  })
})

describe('a fake merchant', () => {
  /** The claim that the guard reads for each conduct, and whether money moved. */
  const conducts: readonly [FakeConduct, number | 'dropped', string, number][] = [
    ['honest', 200, 'settled', 1],
    ['settles_then_drops', 'dropped', '', 1],
    ['settles_then_fails', 500, 'unknown', 1],
    ['settles_undelivered', 500, 'settled', 1],
    ['settles_broken_body', 200, 'settled', 1],
    ['settles_then_asks_again', 402, 'refused', 1],
    ['settles_silently', 200, 'unknown', 1],
    ['drops', 'dropped', '', 0],
    ['asks_again', 402, 'refused', 0],
    ['refuses', 402, 'refused', 0],
    ['delivers_free', 200, 'unknown', 0],
    ['forges_claim', 200, 'settled', 0],
    ['redirects', 302, 'unknown', 0],
  ]
  test.each(conducts)('%s: status %s, claim %s, %i transfers', async (...row) => {
    const [conduct, status, claim, transfers] = row
    const { chain, rail, payment, prove } = world()
    const answer = send(chain, conduct, await prove())
    if (status === 'dropped') await expect(answer).rejects.toMatchObject({ code: 'request_failed' })
    else {
      expect((await answer).status).toBe(status)
      expect(rail.read(await answer, payment).outcome).toBe(claim)
    }
    expect(chain.transfers(nonce)).toHaveLength(transfers)
    expect(chain.received).toHaveLength(1)
  })

  test('breaks off the body only where it says so', async () => {
    const { chain, prove } = world()
    expect(await send(chain, 'settles_broken_body', await prove())).toMatchObject({ broken: true })
  })

  test('gives away what has no offers, and tells each moment', async () => {
    const { chain, prove } = world()
    const moments: string[] = []
    const merchant = fakeMerchant({
      chain,
      resource: ({ index }) => (index === 0 ? { offers: [] } : {}),
      onMoment: (moment, { index }) => void moments.push(`${index} ${moment}`),
    })
    const ask = (headers: Readonly<Record<string, string>>): Promise<HttpResponse> =>
      merchant.request({ method: 'GET', url, headers }, { isolation: 'alice' })
    expect((await ask({})).status).toBe(200)
    expect((await ask((await prove()).headers)).status).toBe(200)
    expect(moments).toEqual(['0 request-received', '1 request-received', '1 payment-settled'])
    expect(merchant.requests.map((request) => request.isolation)).toEqual(['alice', 'alice'])
    const signal = AbortSignal.abort()
    const aborted = merchant.request(
      { method: 'GET', url, headers: {} },
      { isolation: 'alice', signal },
    )
    await expect(aborted).rejects.toMatchObject({ code: 'request_failed' })
    expect(merchant.requests).toHaveLength(2)
    await merchant.close()
    await expect(ask({})).rejects.toMatchObject({ code: 'request_refused' })
  })
})

describe('a fake challenge', () => {
  const offer = {
    scheme: 'exact',
    network: fakeAsset.network,
    asset: fakeAsset.address,
    atomic: 1n,
    payee: fakePayee,
    validForSeconds: 60,
  }
  const offersOf = (challenge: Omit<HttpChallenge, 'url'>): unknown =>
    fakeRail().offers({ url, ...challenge }, [fakeAsset])

  test('is clamped, and what the rail does not support is left out', () => {
    const offers = [
      { ...offer, scheme: 'upto' },
      { ...offer, network: 'eip155:1' },
      { ...offer, validForSeconds: 999_999 },
    ]
    expect(offersOf(fakeChallenge(offers))).toMatchObject({
      kind: 'offers',
      offers: [{ validForSeconds: 120, echo: { isMessage: false } }],
    })
  })

  test('is invalid with an amount of nothing, and none at all without 402', () => {
    const nothing = fakeChallenge([{ ...offer, atomic: 0n }])
    expect(offersOf(nothing)).toMatchObject({ kind: 'invalid' })
    expect(offersOf({ ...nothing, status: 200 })).toBe(undefined)
    expect(offersOf({ ...nothing, body: new Uint8Array() })).toBe(undefined)
  })
})
