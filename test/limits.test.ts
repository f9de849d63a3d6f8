import type { LimitsInput, PaymentSession } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import { type GuardWorld, guardWorld, HOST, shop, spentOnChain } from './guard-world.ts'
import { outcome } from './sandbox-world.ts'

const usd = (total: string, more: object = {}): LimitsInput => ({ currency: 'USD', total, ...more })
const other = (path: string) => `https://other.example/${path}`
const merchants = [{ host: HOST }, { host: 'other.example' }]
const pay = async (session: PaymentSession, url: string) =>
  outcome(await session.pay({ url, purpose: '' }))

/** Creates another session, of the world's delegation unless another is named. */
async function sessionOf(world: GuardWorld, limits = usd('1.00'), delegation = world.delegation) {
  const input = { delegation, limits, expiresIn: '20m' }
  const { id, token } = await world.bursar.management.createSession(input)
  return { id, session: world.bursar.openSession(token) }
}

async function anotherDelegation(world: GuardWorld): Promise<string> {
  const { id } = await world.bursar.endUser('alice').grantDelegation({
    agent: 'another agent'.replace(' ', '-'),
    instrument: 'alice-wallet',
    expiresIn: '30d',
    limits: usd('50.00'),
    merchants,
    consent: { how: 'test' },
  })
  return id
}

async function isWhole(world: GuardWorld): Promise<void> {
  expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
}

describe('what one merchant may be paid', () => {
  test('is limited by amount, and leaves other merchants alone', async () => {
    const world = await guardWorld({
      merchants,
      limits: usd('1.00', { perMerchant: { total: '0.02' } }),
    })
    expect(await pay(world.session, shop('a'))).toBe('paid')
    expect(await pay(world.session, shop('b'))).toBe('paid')
    expect(await pay(world.session, shop('c'))).toBe('merchant_limit_exceeded')
    expect(await pay(world.session, other('c'))).toBe('paid')
    await world.bursar.reconcile()
    expect(await pay(world.session, shop('d'))).toBe('merchant_limit_exceeded')
    await isWhole(world)
  })

  test('is limited by number and by window', async () => {
    const counted = await guardWorld({ limits: usd('1.00', { perMerchant: { payments: 1 } }) })
    expect(await pay(counted.session, shop('a'))).toBe('paid')
    expect(await pay(counted.session, shop('b'))).toBe('merchant_limit_exceeded')
    const windows = [{ per: 'minute' as const, amount: '0.01' }]
    const rolling = await guardWorld({ limits: usd('1.00', { perMerchant: { windows } }) })
    expect(await pay(rolling.session, shop('a'))).toBe('paid')
    expect(await pay(rolling.session, shop('b'))).toBe('merchant_limit_exceeded')
    rolling.clock.advance(61_001)
    expect(await pay(rolling.session, shop('b'))).toBe('paid')
    await isWhole(rolling)
  })

  test('counts over all sessions of a delegation, and over children, at once', async () => {
    const perMerchant = { total: '0.03' }
    const world = await guardWorld({ delegationLimits: usd('9.00', { perMerchant }) })
    const child = await world.session.openChild({ limits: usd('0.50'), expiresIn: '10m' })
    const { session } = await sessionOf(world)
    const all = [world.session, child.session, session]
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        pay(all[index % 3] ?? world.session, shop(`${index}`)),
      ),
    )
    expect(results.filter((one) => one === 'paid')).toHaveLength(3)
    expect(results.filter((one) => one === 'merchant_limit_exceeded')).toHaveLength(9)
    expect(spentOnChain(world)).toBe(30_000n)
    await isWhole(world)
  })

  test('gets back what was released', async () => {
    const world = await guardWorld({ limits: usd('1.00', { perMerchant: { payments: 1 } }) })
    world.wallet.answerNext('wallet_unavailable')
    expect(await pay(world.session, shop('a'))).toBe('wallet_unavailable')
    expect(await pay(world.session, shop('b'))).toBe('paid')
    await isWhole(world)
  })

  test('is no wider in a child, and neither begins nor ends while the session lives', async () => {
    const world = await guardWorld({ limits: usd('1.00', { perMerchant: { total: '0.20' } }) })
    const open = (perMerchant: object) =>
      world.session.openChild({ limits: usd('0.50', { perMerchant }), expiresIn: '10m' })
    await expect(open({ total: '0.21' })).rejects.toThrow('limits.perMerchant.total: must be at')
    await expect(open({ total: '0.20' })).resolves.toMatchObject({})
    const { management } = world.bursar
    const change = (limits: LimitsInput) => management.changeSession(world.session.id, { limits })
    await expect(change(usd('1.00'))).rejects.toThrow('limits.perMerchant: it and its windows')
    expect(await pay(world.session, shop('a'))).toBe('paid')
    await change(usd('1.00', { perMerchant: { total: '0.01' } }))
    expect(await pay(world.session, shop('b'))).toBe('merchant_limit_exceeded')
    const { id } = await sessionOf(world)
    const begun = { limits: usd('1.00', { perMerchant: { payments: 1 } }) }
    await expect(management.changeSession(id, begun)).rejects.toThrow('limits.perMerchant: it')
    await isWhole(world)
  })
})

describe('what an end user may spend in all', () => {
  test('counts over all agents, delegations and sessions, at once', async () => {
    const world = await guardWorld()
    const alice = world.bursar.endUser('alice')
    expect(await alice.limits()).toBe(undefined)
    await alice.setLimits(usd('0.05'))
    const elsewhere = await sessionOf(world, usd('1.00'), await anotherDelegation(world))
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        pay(index % 2 ? world.session : elsewhere.session, shop(`${index}`)),
      ),
    )
    expect(results.filter((one) => one === 'paid')).toHaveLength(5)
    expect(results.filter((one) => one === 'end_user_limit_exceeded')).toHaveLength(7)
    await world.bursar.reconcile()
    expect(await alice.limits()).toMatchObject({
      endUser: 'alice',
      limits: { total: '0.05' },
      settled: '0.05',
      held: '0.00',
      remaining: '0.00',
      payments: 5,
    })
    await isWhole(world)
  })

  test('counts what was spent and held before, in a window as if it were paid now', async () => {
    const world = await guardWorld()
    const alice = world.bursar.endUser('alice')
    expect(await pay(world.session, shop('a'))).toBe('paid')
    await world.bursar.reconcile()
    expect(await pay(world.session, shop('b'))).toBe('paid')
    await expect(alice.setLimits(usd('0.01'))).rejects.toThrow(
      'setLimits: limits.total: 0.02 USD is committed already',
    )
    const windows = [{ per: 'minute' as const, amount: '0.03' }]
    const before = await alice.setLimits(usd('0.04', { windows }))
    expect(before).toMatchObject({ settled: '0.01', held: '0.01', remaining: '0.02', payments: 2 })
    expect(await pay(world.session, shop('c'))).toBe('paid')
    expect(await pay(world.session, shop('d'))).toBe('window_limit_exceeded')
    world.clock.advance(61_001)
    expect(await pay(world.session, shop('d'))).toBe('paid')
    expect(await pay(world.session, shop('e'))).toBe('end_user_limit_exceeded')
    await world.bursar.reconcile()
    await isWhole(world)
  })

  test('limits single merchants and payments; refuses other currencies', async () => {
    const world = await guardWorld({ merchants })
    const alice = world.bursar.endUser('alice')
    await alice.setLimits(usd('1.00', { perMerchant: { payments: 1 } }), { reason: 'careful' })
    const elsewhere = await sessionOf(world, usd('1.00'), await anotherDelegation(world))
    expect(await pay(world.session, shop('a'))).toBe('paid')
    expect(await pay(elsewhere.session, shop('b'))).toBe('merchant_limit_exceeded')
    expect(await pay(elsewhere.session, other('b'))).toBe('paid')
    await expect(alice.setLimits({ currency: 'EUR', total: '1.00' })).rejects.toThrow(
      'limits.currency: must stay USD',
    )
    await expect(alice.setLimits(usd('1.00'))).rejects.toThrow('limits.perMerchant')
    await alice.setLimits(usd('0.02', { perPayment: '0.001', perMerchant: { payments: 1 } }))
    expect(await pay(world.session, shop('c'))).toBe('payment_limit_exceeded')
    await isWhole(world)
    const euros = await guardWorld()
    await euros.bursar.endUser('alice').setLimits({ currency: 'EUR', total: '1.00' })
    expect(await pay(euros.session, shop('a'))).toBe('currency_mismatch')
  })

  test('is set by the end user alone, recorded, and shown to nobody else', async () => {
    const world = await guardWorld()
    const { bursar } = world
    await bursar.endUser('alice').setLimits(usd('0.30'), { reason: 'careful' })
    await bursar.endUser('alice').setLimits(usd('0.20'))
    const { rows } = await bursar.auditing.read()
    const events = rows.map(({ event }) => event)
    expect(events.filter(({ type }) => type === 'end-user-limited')).toMatchObject([
      { endUser: 'alice', limits: { total: '0.30' }, reason: 'careful' },
      { endUser: 'alice', limits: { total: '0.20' }, before: { total: '0.30' } },
    ])
    expect(await bursar.endUser('bob').limits()).toBe(undefined)
    for (const facet of [bursar.management, bursar.administration, bursar.auditing, world.session])
      expect(Reflect.get(facet, 'setLimits')).toBe(undefined)
    await expect(
      bursar.endUser('alice').setLimits({ currency: 'USD', total: '-1' }),
    ).rejects.toThrow('setLimits: total')
  })

  test('is what the records say: a row that says otherwise is found', async () => {
    const world = await guardWorld()
    const { bursar, store } = world
    await bursar.endUser('alice').setLimits(usd('1.00', { perMerchant: { total: '0.50' } }))
    expect(await pay(world.session, shop('a'))).toBe('paid')
    const { endUser } = await store.read({ endUser: 'alice' })
    if (!endUser) return expect.fail('the account is there')
    const note = { type: 'session-locked', session: 'x', delegation: 'y' } as const
    const usage = { ...endUser.usage, heldMicro: 1n }
    await store
      .commit({}, () => ({ result: 0, endUsers: [{ ...endUser, usage }], events: [] }), 'now')
      .catch(() => undefined)
    await isWhole(world)
    const recorded = world.store.commit(
      { endUser: 'alice' },
      () => ({
        result: 0,
        endUsers: [{ ...endUser, usage }],
        events: [{ ...note, type: 'request-answered', host: '', httpStatus: 1, requestHash: '' }],
      }),
      'now',
    )
    await recorded
    expect(await bursar.auditing.verify()).toMatchObject({
      ok: false,
      reason: expect.stringContaining('user:alice says settled 0.00, held 0.000001'),
    })
  })
})
