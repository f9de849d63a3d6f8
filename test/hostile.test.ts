import type { PayResult } from '@bursar/core'
import { toModelResult } from '@bursar/core/session'
import type { HostileMerchant, HostileName } from '@bursar/sandbox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outcome, type SandboxWorld, sandboxWorld } from './sandbox-world.ts'

/** The tests of one guard against every hostile merchant of the sandbox, on a real chain. */

const CENT = 10_000n

let world: SandboxWorld

beforeAll(async () => {
  world = await sandboxWorld()
})

afterAll(() => world.stop())

describe('never signed: the challenge is refused before any signature', () => {
  test.each<[HostileName, string]>([
    ['unknownAsset', 'unknown_asset'],
    ['otherNetwork', 'no_acceptable_offer'],
    // A challenge that names another host than the dialled one needs an approval first.
    ['falseHost', 'approval_required'],
  ])('%s → %s', async (name, code) => {
    const { result, spent } = await buy(name)
    expect(outcome(result)).toBe(code)
    expect(spent).toBe(0n)
    expect(merchant(name).requests.filter(({ withPayment }) => withPayment)).toEqual([])
  })

  test('sendsMalformed: no challenge of it is paid', async () => {
    const shop = merchant('sendsMalformed')
    const outcomes = new Map<string, string>()
    for (const { path } of shop.resources) {
      const { result, spent } = await buy('sendsMalformed', path)
      expect([path, spent]).toEqual([path, 0n])
      outcomes.set(path, result.status)
    }
    const others = [...outcomes].filter(([, status]) => status !== 'denied')
    expect(Object.fromEntries(others)).toEqual({
      // Response headers over the client's bound fail the request.
      '/header-huge': 'failed',
      '/offers-thousand': 'failed',
    })
    expect(shop.requests.filter(({ withPayment }) => withPayment)).toEqual([])
  })

  test('redirectsBefore: a redirect is a free answer, and its target is never dialled', async () => {
    const { result, spent } = await buy('redirectsBefore')
    expect(result).toMatchObject({ status: 'free', response: { status: 302 } })
    expect(spent).toBe(0n)
    const { accomplice } = world.sandbox.merchants.hostile.redirectsBefore
    expect(accomplice.requests).toEqual([])
  })
})

describe('never more than the terms, whatever comes after the signature', () => {
  test.each<[HostileName, string, bigint]>([
    ['raisesPrice', 'in_doubt', 0n],
    ['alwaysAsks', 'in_doubt', 0n],
    ['forgesReceipt', 'paid', 0n],
    ['dropsConnection', 'in_doubt', CENT],
    ['failsAfterPayment', 'undelivered', CENT],
    ['breaksBody', 'undelivered', CENT],
    ['injectsContent', 'paid', CENT],
    ['absurdValidity', 'paid', CENT],
    ['redirectsAfter', 'in_doubt', 0n],
  ])('%s → %s', async (name, expected, moved) => {
    const { result, spent, session } = await buy(name)
    expect(outcome(result)).toBe(expected)
    expect(spent).toBe(moved)
    // An immediate second call signs no second payment.
    await session.pay({ url: urlOf(name), purpose: 'again' })
    expect((await buyAgain(name, session)).spent).toBe(0n)
    await world.sandbox.mine(4)
    await world.bursar.reconcile()
    const settled = moved === CENT ? '0.01' : '0.00'
    expect(await session.status()).toMatchObject({ settled })
  })

  test('endlessBody: paid, and cut at the bound', async () => {
    const { result, spent } = await buy('endlessBody')
    expect(result).toMatchObject({ status: 'paid', response: { truncated: true } })
    expect(spent).toBe(CENT)
  })

  test('compressedBomb: paid, and never more than the bound is unpacked', async () => {
    const { result, spent } = await buy('compressedBomb')
    expect(result).toMatchObject({ status: 'paid', response: { truncated: true } })
    expect('response' in result && result.response?.body.byteLength).toBeLessThanOrEqual(1_048_576)
    expect(spent).toBe(CENT)
  })

  test('redirectsAfter: the proof reaches nobody else', async () => {
    const { accomplice } = world.sandbox.merchants.hostile.redirectsAfter
    expect(accomplice.requests).toEqual([])
  })

  test('absurdValidity: the proof is clamped to minutes, and then it is worth nothing', async () => {
    const { rows } = await world.bursar.auditing.read({ limit: 500 })
    const reserved = rows.flatMap(({ event }) =>
      event.type === 'payment-reserved' ? [event.validBefore * 1_000 - world.sandbox.clock()] : [],
    )
    expect(reserved.length).toBeGreaterThan(0)
    for (const left of reserved) expect(left).toBeLessThanOrEqual(120_000)
  })
})

describe('merchants that change', () => {
  test('swapsPayee: the first payee is pinned, and another one asks', async () => {
    const first = await buy('swapsPayee')
    expect(outcome(first.result)).toBe('paid')
    const second = await buyAgain('swapsPayee', first.session, '?again')
    expect(outcome(second.result)).toBe('approval_required')
    expect(second.spent).toBe(0n)
  })

  test('raisesQuote: each price is a new decision, and the limit holds', async () => {
    const { session } = await buy('raisesQuote', '/secret', { perPayment: '0.02' })
    const outcomes: string[] = []
    for (let count = 0; count < 4; count += 1) {
      outcomes.push(outcome((await buyAgain('raisesQuote', session, `?${count}`)).result))
    }
    expect(outcomes).toContain('payment_limit_exceeded')
  })

  test('withholds: in doubt for as long as it can settle, and settled when it does', async () => {
    const { result, session, spent } = await buy('withholds')
    expect([outcome(result), spent]).toEqual(['in_doubt', 0n])
    await world.bursar.reconcile()
    expect(await session.status()).toMatchObject({ held: '0.01', settled: '0.00' })
    const [settlement] = await world.sandbox.merchants.hostile.withholds.settleLater()
    expect(settlement?.success).toBe(true)
    await world.sandbox.mine(4)
    await world.bursar.reconcile()
    expect(await session.status()).toMatchObject({ held: '0.00', settled: '0.01' })
  })
})

describe('words', () => {
  test.each<HostileName>(['injectsChallenge', 'injectsContent'])(
    '%s: what a merchant writes is content, or nothing',
    async (name) => {
      const { result } = await buy(name, undefined, {}, `?words=${name}`)
      const { content = '', ...ours } = toModelResult(result)
      expect(JSON.stringify(ours)).not.toMatch(/ignore|limits, call/i)
      if (content) expect(content).toMatch(/^<untrusted-content>[\s\S]*<\/untrusted-content>/)
    },
  )
})

test('drips: the deadline ends it, and what was held is proved', async () => {
  const { result } = await buy('drips')
  expect(['paid', 'undelivered', 'in_doubt']).toContain(outcome(result))
})

test('in the end chain and ledger agree, and nothing is held', async () => {
  await world.sandbox.advanceTime(300)
  await world.bursar.reconcile()
  const { rows } = await world.bursar.management.sessions()
  const settled = rows.reduce((sum, one) => sum + toAtomic(one.settled), 0n)
  expect(rows.filter((one) => one.held !== '0.00')).toEqual([])
  expect(settled).toBe(await world.spent())
  expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
})

function merchant(name: HostileName): HostileMerchant {
  return world.sandbox.merchants.hostile[name]
}

function urlOf(name: HostileName, path = merchant(name).resources[0]?.path ?? '/'): string {
  return `${merchant(name).url}${path}`
}

async function buy(name: HostileName, path?: string, limits: object = {}, query = '') {
  const session = await world.openSession({ currency: 'USD', total: '0.10', ...limits })
  const before = await world.spent()
  const url = `${urlOf(name, path)}${query}`
  const result: PayResult = await session.pay({ url, purpose: 'look at it' })
  return { session, result, spent: (await world.spent()) - before }
}

async function buyAgain(
  name: HostileName,
  session: Awaited<ReturnType<SandboxWorld['openSession']>>,
  query = '',
) {
  const before = await world.spent()
  const result = await session.pay({ url: `${urlOf(name)}${query}`, purpose: 'again' })
  return { result, spent: (await world.spent()) - before }
}

function toAtomic(amount: string): bigint {
  return BigInt(Math.round(Number(amount) * 1e6))
}
