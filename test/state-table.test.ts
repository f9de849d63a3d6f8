import type { Payment, PaymentSession, PayResult } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import { settlePayment } from '../packages/core/src/rules/payment-transitions.ts'
import { type GuardWorld, guardWorld, shop } from './guard-world.ts'

/**
 * The table of states and events of `docs/design/states.md`, row by row. Its rows about approvals and
 * about child sessions are in `approval.test.ts` and `child-session.test.ts`.
 */

const a = { url: shop('a'), purpose: 'read it' }
const b = { url: shop('b'), purpose: 'read it' }
const key = { conversation: 'thread', id: 'call' }

/** The time after which no payload of this world is valid. */
const VALIDITY_MS = 61_000

describe('reserved', () => {
  test('revoke → may still be signed until its payment token dies, and nothing new is reserved', async () => {
    const world = await heldBeforeSigning()
    await world.bursar.endUser('alice').revokeDelegation(world.delegation)
    world.letGo()
    expect(await world.paying).toMatchObject({ status: 'paid' })
    expect(await world.session.pay(b)).toMatchObject({ code: 'delegation_revoked' })
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('the session expires → may still be signed until its payment token dies', async () => {
    const world = await heldBeforeSigning({ expiresSoon: true })
    world.letGo()
    expect(await world.paying).toMatchObject({ status: 'paid' })
    expect(await world.session.pay(b)).toMatchObject({ code: 'session_expired' })
  })

  test('the session above ends → may still be signed, and nothing new is reserved', async () => {
    const world = await heldBeforeSigning({ inChild: true })
    await world.bursar.management.revokeSession(world.session.id)
    world.letGo()
    expect(await world.paying).toMatchObject({ status: 'paid' })
    expect(await world.payer.pay(b)).toMatchObject({ code: 'session_revoked' })
    expect(await world.session.status()).toMatchObject({ held: '0.01' })
  })

  test.each([
    [59_999, 'paid', 1],
    [60_000, 'failed', 0],
  ])('token %i ms old at its redemption → %s', async (ageMs, status, signatures) => {
    const world = await heldBeforeSigning()
    world.clock.advance(ageMs)
    world.letGo()
    expect(await world.paying).toMatchObject({ status })
    expect(world.wallet.requests).toHaveLength(signatures)
  })

  test('token dies during a slow remote signature → judged at redemption only', async () => {
    const world = await guardWorld()
    world.wallet.answerNext('hang')
    const paying = world.session.pay(a)
    await until(() => world.wallet.requests.length === 1)
    world.clock.advance(30_000)
    world.wallet.release()
    expect(await paying).toMatchObject({ status: 'paid' })
  })

  test('crash → presumed signed: held until proof says that it can never settle', async () => {
    const world = await heldBeforeSigning()
    const restarted = world.reopen()
    expect(await restarted.reconcile()).toMatchObject({ open: 1, released: 0 })
    expect(await world.session.status()).toMatchObject({ held: '0.01' })
    world.clock.advance(VALIDITY_MS)
    expect(await restarted.reconcile()).toMatchObject({ released: 1 })
    expect(await world.session.status()).toMatchObject({ held: '0.00', payments: 0 })
  })

  test('the same key elsewhere → in progress', async () => {
    const world = await heldBeforeSigning()
    expect(await world.elsewhere().pay(a, key)).toMatchObject({ status: 'in_progress' })
  })

  test('proof that it can never settle comes first → a late signature is never made', async () => {
    const world = await heldBeforeSigning()
    world.clock.advance(VALIDITY_MS)
    expect(await world.reopen().reconcile()).toMatchObject({ released: 1 })
    world.letGo()
    expect(await world.paying).toMatchObject({ status: 'failed' })
    expect(world.wallet.requests).toEqual([])
  })
})

describe('signed', () => {
  test.each(['asks_again', 'settles_then_asks_again', 'delivers_free'] as const)(
    'a second 402, or suddenly free (%s) → never signed twice, and the hold stays',
    async (conduct) => {
      const world = await guardWorld({ resource: () => ({ conduct }) })
      expect(await world.session.pay(a, key)).toMatchObject({ status: 'in_doubt' })
      expect(await world.session.pay(a, key)).toMatchObject({ status: 'in_doubt' })
      expect(await world.session.pay(a, { ...key, id: 'other' })).toMatchObject({
        code: 'duplicate_open',
      })
      expect(world.wallet.requests).toHaveLength(1)
      expect(await world.session.status()).toMatchObject({ held: '0.01' })
    },
  )

  test('a second 402 that is cheaper → nothing more is signed', async () => {
    const world = await guardWorld({
      resource: ({ index }) => ({
        conduct: 'asks_again',
        offers: [{ atomic: index === 0 ? 10_000n : 1n }],
      }),
    })
    expect(await world.session.pay(a)).toMatchObject({ status: 'in_doubt' })
    expect(world.wallet.requests).toHaveLength(1)
  })
})

describe('claimed and in doubt', () => {
  test('two reconcilers → each moves on proof, and the second finds it done', async () => {
    const world = await guardWorld()
    await world.session.pay(a)
    const other = world.reopen()
    const found = await Promise.all([world.bursar.reconcile(), other.reconcile()])
    // The second call may come after the first has ended.
    expect(Math.max(...found.map(({ settled }) => settled))).toBe(1)
    expect(await events(world, 'payment-settled')).toBe(1)
    expect(await world.session.status()).toMatchObject({ held: '0.00', settled: '0.01' })
  })

  test('claimed, and proven false → released', async () => {
    const world = await guardWorld({ resource: () => ({ conduct: 'forges_claim' }) })
    await world.session.pay(a)
    world.clock.advance(VALIDITY_MS)
    await world.bursar.reconcile()
    expect((await only(world)).state).toBe('released')
    expect(await world.session.status()).toMatchObject({ held: '0.00', settled: '0.00' })
  })

  test('in doubt, and proven → settled; its key answers with what was kept', async () => {
    const world = await guardWorld({ resource: () => ({ conduct: 'settles_silently' }) })
    await world.session.pay(a, key)
    await world.bursar.reconcile()
    expect((await only(world)).state).toBe('settled')
    expect(await world.session.pay(a, key)).toMatchObject({
      status: 'paid',
      receipt: { settlement: 'settled' },
      response: { status: 200 },
    })
  })

  test('the rail cannot be asked → nothing moves', async () => {
    const world = await guardWorld({ resource: () => ({ conduct: 'drops' }) })
    await world.session.pay(a)
    world.clock.advance(VALIDITY_MS)
    world.chain.setReachable(false)
    expect(await world.bursar.reconcile()).toMatchObject({ unreachable: 1, released: 0 })
    expect(await world.session.status()).toMatchObject({ held: '0.01' })
  })
})

describe('released', () => {
  test('proof of settlement after all → settled as an overrun, recorded, and the session is locked', async () => {
    const world = await guardWorld({ resource: () => ({ conduct: 'drops' }) })
    await world.session.pay(a)
    world.clock.advance(VALIDITY_MS)
    await world.bursar.reconcile()
    const payment = await only(world)
    expect(payment.state).toBe('released')
    expect(world.chain.settleLate(payment.nonce).settled).toBe(true)
    expect(await world.bursar.reconcile()).toMatchObject({ settled: 1 })
    expect(await only(world)).toMatchObject({ state: 'settled', overrun: true })
    expect(await world.session.status()).toMatchObject({ state: 'locked', settled: '0.01' })
    expect(await world.session.pay(b)).toMatchObject({ code: 'session_locked' })
    await world.bursar.management.unlockSession(world.session.id, { reason: 'looked at' })
    expect(await world.session.pay(b)).toMatchObject({ status: 'in_doubt' })
    expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
  })
})

describe('settled', () => {
  test('the same proof again → nothing', async () => {
    const world = await guardWorld()
    await world.session.pay(a)
    await world.bursar.reconcile()
    const before = await world.session.status()
    await world.store.commit(
      { payment: (await only(world)).id },
      (state, now) => settlePayment(state, { block: '1', reason: 'again' }, now),
      'now',
    )
    expect(await world.session.status()).toEqual(before)
    expect(await events(world, 'payment-settled')).toBe(1)
  })
})

describe('every end of a session', () => {
  test.each([
    [
      'session_revoked',
      (world: GuardWorld) => world.bursar.management.revokeSession(world.session.id),
    ],
    ['session_revoked', (world: GuardWorld) => world.session.close()],
    [
      'delegation_revoked',
      (world: GuardWorld) => world.bursar.endUser('alice').revokeDelegation(world.delegation),
    ],
  ] as const)('%s → no byte leaves, and no clock brings it back', async (code, end) => {
    const world = await guardWorld()
    await end(world)
    expect(await world.session.pay(a)).toMatchObject({ status: 'denied', code })
    world.clock.set(world.clock() - 3_600_000)
    expect(await world.session.pay(a)).toMatchObject({ status: 'denied', code })
    expect(world.merchant.requests).toEqual([])
  })

  test('expiry → to the millisecond, and a clock that runs back revives nothing', async () => {
    const world = await guardWorld()
    const { expiresAt = '' } = await world.session.status()
    world.clock.set(Date.parse(expiresAt) - 1)
    expect(await world.session.pay(a)).toMatchObject({ status: 'paid' })
    world.clock.set(Date.parse(expiresAt))
    expect(await world.session.pay(b)).toMatchObject({ code: 'session_expired' })
    world.clock.set(Date.parse(expiresAt) - 60_000)
    expect(await world.session.pay(b)).toMatchObject({ code: 'session_expired' })
  })
})

/** Starts a payment that is reserved and waits before its signature. */
async function heldBeforeSigning(
  options: { readonly expiresSoon?: boolean; readonly inChild?: boolean } = {},
) {
  let letGo = (): void => undefined
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const world = await guardWorld({
    rail: (rail) => ({
      ...rail,
      prove: async (...parameters) => {
        await held
        return rail.prove(...parameters)
      },
    }),
  })
  if (options.expiresSoon) {
    const { expiresAt = '' } = await world.session.status()
    world.clock.set(Date.parse(expiresAt) - 1)
  }
  const limits = { currency: 'USD', total: '0.50' }
  const payer = options.inChild
    ? (await world.session.openChild({ limits, expiresIn: '10m' })).session
    : world.session
  const paying: Promise<PayResult> = payer.pay(a, key)
  while ((await world.session.status()).held === '0.00') await new Promise(setImmediate)
  if (options.expiresSoon) world.clock.advance(1)
  return { ...world, payer, paying, letGo, elsewhere: () => sessionOf(world) }
}

function sessionOf(world: GuardWorld): PaymentSession {
  return world.reopen().openSession(world.token)
}

async function only(world: GuardWorld): Promise<Payment> {
  const { rows } = await world.store.payments({}, {})
  const [payment, ...more] = rows
  if (!payment || more.length > 0) throw new Error(`${rows.length} payments, not one`)
  return payment
}

async function events(world: GuardWorld, type: string): Promise<number> {
  const { rows } = await world.bursar.auditing.read({ limit: 500 })
  return rows.filter(({ event }) => event.type === type).length
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}
