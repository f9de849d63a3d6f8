import { createBursar, type Store } from '@bursar/core'
import { fakeAsset, fakeMerchant, fakeRail } from '@bursar/core/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { boundStore } from '../packages/core/src/ports/bound-store.ts'
import { MAX_RECONCILED_PER_RUN } from '../packages/core/src/settlement/reconcile.ts'
import { guardWorld, shop, spentOnChain } from './guard-world.ts'

const a = { url: shop('a'), purpose: 'read it' }
const b = { url: shop('b'), purpose: 'read it' }

/** The time after which no payload of this world is valid. */
const VALIDITY_MS = 61_000

afterEach(() => {
  vi.useRealTimers()
})

describe('when it runs', () => {
  test('when the guard opens', async () => {
    const world = await guardWorld()
    await world.session.pay(a)
    const reopened = world.reopen()
    const settled = new Promise((resolve) => {
      reopened.auditing.subscribe((event) => event.type === 'payment-settled' && resolve(event))
    })
    expect(await settled).toMatchObject({ settled: '0.01', overrun: false })
  })

  test('on a timer', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const world = await guardWorld()
    await world.session.pay(a)
    expect(await world.session.status()).toMatchObject({ settled: '0.00' })
    const settled = new Promise((resolve) => {
      world.bursar.auditing.subscribe((event) => event.type === 'payment-settled' && resolve(event))
    })
    // Two ticks come at once: the second finds the first in flight and does not run.
    vi.advanceTimersByTime(30_000)
    await settled
    expect(await world.session.status()).toMatchObject({ settled: '0.01' })
  })

  test('before a reservation that lacks budget, which then waits for what proof releases', async () => {
    const world = await guardWorld({
      limits: { currency: 'USD', total: '0.01' },
      resource: ({ url }) => ({ conduct: url.pathname === '/a' ? 'drops' : 'honest' }),
    })
    expect(await world.session.pay(a)).toMatchObject({ status: 'in_doubt' })
    expect(await world.session.pay(b)).toMatchObject({ code: 'session_limit_exceeded' })
    world.clock.advance(VALIDITY_MS)
    expect(await world.session.pay(b)).toMatchObject({ status: 'paid' })
    expect(spentOnChain(world)).toBe(10_000n)
  })

  test('but not where no release could be enough', async () => {
    const world = await guardWorld({
      limits: { currency: 'USD', total: '0.015' },
      resource: ({ url }) => ({ offers: [{ atomic: url.pathname === '/a' ? 10_000n : 16_000n }] }),
    })
    await world.session.pay(a)
    world.chain.setReachable(true)
    expect(await world.session.pay(b)).toMatchObject({ code: 'session_limit_exceeded' })
    expect(await world.session.status()).toMatchObject({ held: '0.01', settled: '0.00' })
  })

  test('a rail whose clock is ahead frees no budget while the signature is valid', async () => {
    const world = await guardWorld({
      limits: { currency: 'USD', total: '0.02' },
      resource: () => ({ conduct: 'drops' }),
      rail: (rail) => ({
        ...rail,
        reconcile: async () => ({
          outcome: 'released',
          evidence: { block: '1', reason: 'expired unused' },
        }),
      }),
    })
    for (let call = 0; call < 6; call += 1) {
      await world.session.pay({ url: shop(`${call}`), purpose: 'read it' })
      expect(await world.bursar.reconcile()).toMatchObject({ released: 0 })
    }
    expect(world.wallet.requests).toHaveLength(2)
    expect(await world.session.status()).toMatchObject({ held: '0.02' })
    world.clock.advance(VALIDITY_MS)
    expect(await world.bursar.reconcile()).toMatchObject({ released: 2, open: 0 })
  })

  test('a rail that hangs holds a reservation up for a moment only', async () => {
    const world = await guardWorld({
      limits: { currency: 'USD', total: '0.01' },
      resource: () => ({ conduct: 'drops' }),
      rail: (rail) => ({ ...rail, reconcile: () => new Promise(() => undefined) }),
    })
    await world.session.pay(a)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const second = world.session.pay(b)
    while (vi.getTimerCount() < 2) await new Promise(setImmediate)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await second).toMatchObject({ code: 'session_limit_exceeded' })
    await vi.advanceTimersByTimeAsync(20_000)
  })
})

describe('what it asks about', () => {
  test('every unproven payment, page by page', async () => {
    const count = MAX_RECONCILED_PER_RUN + 5
    const world = await guardWorld({ limits: { currency: 'USD', total: '50.00' } })
    for (let index = 0; index < count; index += 1) {
      await world.session.pay({ url: shop(`item/${index}`), purpose: '' })
    }
    world.chain.setReachable(false)
    expect(await world.bursar.reconcile()).toMatchObject({ unreachable: MAX_RECONCILED_PER_RUN })
    world.chain.setReachable(true)
    expect(await world.bursar.reconcile()).toMatchObject({ settled: 5 })
    expect(await world.bursar.reconcile()).toMatchObject({ settled: MAX_RECONCILED_PER_RUN })
    expect(await world.bursar.reconcile()).toEqual({
      settled: 0,
      released: 0,
      open: 0,
      unreachable: 0,
    })
  })

  test.each([
    ['rail', { rails: [fakeRail({ name: 'other' })], assets: [fakeAsset] }],
    ['asset', { assets: [] }],
  ])('where the %s is no longer configured, the hold stays', async (_what, parts) => {
    const world = await guardWorld()
    await world.session.pay(a)
    const reopened = createBursar({
      store: world.store,
      rails: [world.rail],
      http: fakeMerchant({ chain: world.chain }),
      ...parts,
    })
    expect(await reopened.reconcile()).toMatchObject({ unreachable: 1, settled: 0 })
    expect(await world.session.status()).toMatchObject({ held: '0.01' })
  })

  test('what it has released of late is asked about again, for an hour', async () => {
    const world = await guardWorld({ resource: () => ({ conduct: 'drops' }) })
    await world.session.pay(a)
    await world.session.pay(b)
    world.clock.advance(VALIDITY_MS)
    expect(await world.bursar.reconcile()).toMatchObject({ released: 2 })
    const [first, second] = world.chain.received.map(({ authorization }) => authorization.nonce)
    world.chain.settleLate(first ?? '')
    world.chain.setReachable(false)
    expect(await world.bursar.reconcile()).toMatchObject({ settled: 0 })
    world.chain.setReachable(true)
    expect(await world.bursar.reconcile()).toMatchObject({ settled: 1 })
    expect(await world.session.status()).toMatchObject({ state: 'locked', settled: '0.01' })
    world.clock.advance(3_600_000)
    world.chain.settleLate(second ?? '')
    expect(await world.bursar.reconcile()).toMatchObject({ settled: 0 })
  })

  test('an overrun that cannot be written is asked about again', async () => {
    const failing = { soon: false }
    const world = await guardWorld({
      resource: () => ({ conduct: 'drops' }),
      store: (store) => failingStore(store, failing, 'soon'),
    })
    await world.session.pay(a)
    world.clock.advance(VALIDITY_MS)
    expect(await world.bursar.reconcile()).toMatchObject({ released: 1 })
    world.chain.settleLate(world.chain.received[0]?.authorization.nonce ?? '')
    failing.soon = true
    const warned = nextWarning()
    expect(await world.bursar.reconcile()).toMatchObject({ settled: 0 })
    expect(await warned).toMatch(/^Could not conclude payment pay_.*disk full/)
    failing.soon = false
    expect(await world.bursar.reconcile()).toMatchObject({ settled: 1 })
    expect(await world.session.status()).toMatchObject({ state: 'locked', settled: '0.01' })
  })

  test('an overrun makes its payee known again', async () => {
    const world = await guardWorld({
      resource: ({ url }) =>
        url.pathname === '/a'
          ? { conduct: 'drops' }
          : { offers: [{ payee: `0x${'bad'.padStart(40, '0')}` }] },
    })
    await world.session.pay(a)
    world.clock.advance(VALIDITY_MS)
    await world.bursar.reconcile()
    world.chain.settleLate(world.chain.received[0]?.authorization.nonce ?? '')
    await world.bursar.reconcile()
    await world.bursar.management.unlockSession(world.session.id)
    expect(await world.session.pay(b)).toMatchObject({ status: 'approval_required' })
  })

  test('one payment that cannot be concluded does not keep the others from their proof', async () => {
    const world = await guardWorld()
    await world.session.pay(a)
    const { token } = await world.bursar.management.createSession({
      delegation: world.delegation,
      expiresIn: '10m',
      limits: { currency: 'USD', total: '1.00' },
    })
    await world.bursar.openSession(token).pay(b)
    await world.store.commit(
      { session: world.session.id },
      ({ session }) => ({
        result: undefined,
        sessions: session ? [{ ...session, usage: { ...session.usage, heldMicro: 0n } }] : [],
        events: [
          { type: 'session-unlocked', session: world.session.id, delegation: world.delegation },
        ],
      }),
      'now',
    )
    const warned = nextWarning()
    expect(await world.bursar.reconcile()).toMatchObject({ settled: 1, unreachable: 1 })
    expect(await warned).toMatch(/^Could not conclude payment pay_.*fell below zero/)
  })

  test('two overruns of one session lock it once', async () => {
    const world = await guardWorld({ resource: () => ({ conduct: 'drops' }) })
    await world.session.pay(a)
    await world.session.pay(b)
    world.clock.advance(VALIDITY_MS)
    await world.bursar.reconcile()
    for (const { authorization } of world.chain.received) {
      world.chain.settleLate(authorization.nonce)
    }
    expect(await world.bursar.reconcile()).toMatchObject({ settled: 2 })
    const { rows } = await world.bursar.auditing.read()
    expect(rows.filter(({ event }) => event.type === 'session-locked')).toHaveLength(1)
    expect(await world.session.status()).toMatchObject({ settled: '0.02', payments: 2 })
    expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
  })
})

describe('when the store fails', () => {
  test('a claim that cannot be written is still answered as paid, and found again by proof', async () => {
    const failing = { soon: false }
    const world = await guardWorld({ store: (store) => failingStore(store, failing, 'soon') })
    const warned = nextWarning()
    failing.soon = true
    expect(await world.session.pay(a)).toMatchObject({ status: 'paid' })
    expect(await warned).toMatch(/^Could not record a signature: disk full/)
    failing.soon = false
    expect(await world.session.status()).toMatchObject({ held: '0.01' })
    expect(await world.bursar.reconcile()).toMatchObject({ settled: 1 })
  })

  test('a release that cannot be written is left to proof', async () => {
    const failing = { now: false }
    const world = await guardWorld({ store: (store) => failingStore(store, failing, 'now') })
    const warned = nextWarning()
    world.wallet.answerNext('wallet_unavailable')
    const failed = world.session.pay(a, {
      onProgress: (step) => {
        if (step === 'signing') failing.now = true
      },
    })
    expect(await failed).toMatchObject({ status: 'failed', code: 'wallet_unavailable' })
    expect(await warned).toMatch(/^Could not release a hold: disk full/)
    failing.now = false
    expect(await world.session.status()).toMatchObject({ held: '0.01' })
    world.clock.advance(VALIDITY_MS)
    expect(await world.bursar.reconcile()).toMatchObject({ released: 1 })
  })

  test('a reservation that cannot be written is a failure: nothing is signed', async () => {
    const failing = { now: false }
    const world = await guardWorld({ store: (store) => failingStore(store, failing, 'now') })
    failing.now = true
    await expect(world.session.pay(a)).rejects.toThrow('disk full')
    expect(world.wallet.requests).toEqual([])
  })

  test('a client that breaks its promises is a failure: nothing is signed', async () => {
    const world = await guardWorld({
      onMoment: () => {
        throw new TypeError('a bug in the client')
      },
    })
    await expect(world.session.pay(a)).rejects.toThrow('a bug in the client')
    expect(world.wallet.requests).toEqual([])
  })
})

/** Returns a store whose commits of one kind fail while `fails` is set. */
function failingStore<When extends 'now' | 'soon'>(
  store: Store,
  failing: { readonly [Name in When]: boolean },
  kind: When,
): Store {
  return {
    ...boundStore(store),
    commit: (scope, change, when) =>
      when === kind && failing[kind]
        ? Promise.reject(new Error('disk full'))
        : store.commit(scope, change, when),
  }
}

function nextWarning(): Promise<string> {
  return new Promise((resolve) => {
    process.once('warning', (warning) => resolve(warning.message))
  })
}
