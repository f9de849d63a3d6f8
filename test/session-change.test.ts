import { MAX_PAGE } from '@bursar/core/store'
import { describe, expect, test } from 'vitest'
import { boundStore } from '../packages/core/src/ports/bound-store.ts'
import { MAX_EXPOSED } from '../packages/core/src/settlement/exposure.ts'
import { guardWorld, HOST, shop } from './guard-world.ts'
import { outcome } from './sandbox-world.ts'

const usd = (total: string, more: object = {}) => ({ currency: 'USD', total, ...more })

describe('changeSession', () => {
  test('raises, narrows and extends, with a record of before and after', async () => {
    const world = await guardWorld({ limits: usd('0.01') })
    const { management } = world.bursar
    const { id } = world.session
    await world.session.pay({ url: shop('a'), purpose: '' })
    expect(outcome(await world.session.pay({ url: shop('b'), purpose: '' }))).toBe(
      'session_limit_exceeded',
    )
    await management.changeSession(id, { limits: usd('0.02'), reason: 'one more' })
    expect(outcome(await world.session.pay({ url: shop('b'), purpose: '' }))).toBe('paid')
    expect(await management.changeSession(id, { expiresIn: '8h' })).toMatchObject({
      expiresAt: new Date(world.clock() + 8 * 3_600_000).toISOString(),
      remaining: '0.00',
    })
    await management.changeSession(id, { merchants: [{ host: 'other.example' }] })
    expect(outcome(await world.session.pay({ url: shop('c'), purpose: '' }))).toBe(
      'merchant_not_allowed',
    )
    const { rows } = await world.bursar.auditing.read()
    const changes = rows.filter(({ event }) => event.type === 'session-changed')
    expect(changes).toHaveLength(3)
    expect(changes[0]?.event).toMatchObject({
      before: { total: '0.01' },
      limits: { total: '0.02' },
      reason: 'one more',
    })
  })

  test('stops at what is committed, at the delegation and at the session above', async () => {
    const world = await guardWorld({ delegationLimits: usd('2.00', { perPayment: '0.50' }) })
    const { management } = world.bursar
    const change = (id: string, wrong: object) => management.changeSession(id, wrong)
    await world.session.pay({ url: shop('a'), purpose: '' })
    const { id } = world.session
    await expect(change(id, { limits: usd('0.009') })).rejects.toThrow('0.01 USD is committed')
    await expect(change(id, { limits: usd('2.01') })).rejects.toThrow('limits.total')
    await expect(change(id, { limits: usd('1.00', { perPayment: '0.51' }) })).rejects.toThrow(
      'limits.perPayment',
    )
    await expect(change(id, { expiresIn: '31d' })).rejects.toThrow('expiresIn')
    await expect(change(id, {})).rejects.toThrow('has to change')
    await expect(change('ses_unknown', { expiresIn: '1m' })).rejects.toMatchObject({
      code: 'session_unknown',
    })
    const child = await world.session.openChild({ limits: usd('0.10'), expiresIn: '10m' })
    await expect(change(child.session.id, { limits: usd('1.01') })).rejects.toThrow('limits.total')
    await change(child.session.id, { limits: usd('0.20') })
    // The parent is narrowed: the child's own limits stay, and the parent's bind it.
    await change(id, { limits: usd('0.015') })
    const paid = await child.session.pay({ url: shop('b'), purpose: '' })
    expect(outcome(paid)).toBe('session_limit_exceeded')
  })

  test('a child can still be narrowed when its parent was', async () => {
    const world = await guardWorld()
    const { management } = world.bursar
    const { session } = await world.session.openChild({ limits: usd('0.50'), expiresIn: '30m' })
    await management.changeSession(world.session.id, { limits: usd('0.20'), expiresIn: '10m' })
    await management.changeSession(session.id, { merchants: [{ host: 'other.example' }] })
    await management.changeSession(session.id, { limits: usd('0.10') })
    await expect(management.changeSession(session.id, { limits: usd('0.21') })).rejects.toThrow(
      'limits.total',
    )
  })

  test('what has ended does not live again', async () => {
    const world = await guardWorld()
    const { management } = world.bursar
    const extend = () => management.changeSession(world.session.id, { expiresIn: '1h' })
    world.clock.advance(30 * 60_000)
    await expect(extend()).rejects.toMatchObject({ code: 'session_expired' })
    const closed = await guardWorld()
    await closed.session.close()
    await expect(
      closed.bursar.management.changeSession(closed.session.id, { expiresIn: '1h' }),
    ).rejects.toMatchObject({ code: 'session_revoked' })
  })

  test('a window keeps what was counted; a new one begins while nothing is held', async () => {
    const hour = (amount: string) => usd('1.00', { windows: [{ per: 'hour', amount }] })
    const world = await guardWorld({ limits: hour('0.02') })
    const { management } = world.bursar
    const { id } = world.session
    await world.session.pay({ url: shop('a'), purpose: '' })
    await management.changeSession(id, { limits: hour('0.015') })
    expect(outcome(await world.session.pay({ url: shop('b'), purpose: '' }))).toBe(
      'window_limit_exceeded',
    )
    const both = usd('1.00', {
      windows: [
        { per: 'utc-day', payments: 1 },
        { per: 'hour', amount: '0.10' },
      ],
    })
    await expect(management.changeSession(id, { limits: both })).rejects.toThrow('limits.windows')
    await world.bursar.reconcile()
    await management.changeSession(id, { limits: both })
    expect(outcome(await world.session.pay({ url: shop('b'), purpose: '' }))).toBe('paid')
    expect(outcome(await world.session.pay({ url: shop('c'), purpose: '' }))).toBe(
      'window_limit_exceeded',
    )
    const twice = usd('1.00', {
      windows: [
        { per: 'hour', amount: '0.10' },
        { per: 'hour', payments: 1 },
      ],
    })
    await expect(management.changeSession(id, { limits: twice })).rejects.toThrow('two windows')
  })
})

describe('exposure', () => {
  test('lists what is claimed, as it is now', async () => {
    const world = await guardWorld()
    await world.session.pay({ url: shop('a'), purpose: '' })
    expect(await world.bursar.management.exposure()).toMatchObject({
      payments: [{ state: 'claimed' }],
      most: [{ amount: '0.01', currency: 'USD' }],
    })
  })

  test('is what may still move after a revocation, and until when', async () => {
    const world = await guardWorld({ resource: () => ({ conduct: 'drops' }) })
    expect(await world.bursar.management.exposure()).toEqual({
      payments: [],
      most: [],
      complete: true,
    })
    await world.session.pay({ url: shop('a'), purpose: '' })
    world.clock.advance(5_000)
    await world.session.pay({ url: shop('b'), purpose: '' })
    await world.bursar.endUser('alice').revokeDelegation(world.delegation)
    const exposure = await world.bursar.endUser('alice').exposure()
    expect(exposure).toMatchObject({
      payments: [
        { amount: '0.01', state: 'in_doubt', merchant: HOST, session: world.session.id },
        { amount: '0.01', state: 'in_doubt' },
      ],
      most: [{ amount: '0.02', currency: 'USD' }],
      until: new Date(world.clock() + 60_000).toISOString(),
      complete: true,
    })
    expect(await world.bursar.endUser('bob').exposure()).toMatchObject({ payments: [] })
    world.clock.advance(60_000)
    await world.bursar.reconcile()
    expect(await world.bursar.management.exposure({ session: world.session.id })).toMatchObject({
      most: [],
    })
  })

  test('looks through so many payments, and says that there may be more', async () => {
    let read = 0
    const world = await guardWorld({
      // Others pay in the same delegation, without an end.
      store: (store) => ({
        ...boundStore(store),
        async payments() {
          const { rows } = await store.payments({}, {})
          const page = rows.flatMap((one) => Array.from({ length: MAX_PAGE }, () => one))
          read += page.length
          return { rows: page, cursor: 'more' }
        },
      }),
    })
    const { management } = world.bursar
    await world.session.pay({ url: shop('a'), purpose: '' })
    const child = await world.session.openChild({ limits: usd('0.10'), expiresIn: '5m' })
    read = 0
    expect(await management.exposure({ session: child.session.id })).toEqual({
      payments: [],
      most: [],
      complete: false,
    })
    expect(read).toBe(MAX_EXPOSED)
  })

  test('after revoke has returned there is no new reservation, however they race', async () => {
    const world = await guardWorld({ limits: usd('50.00') })
    let revokedAt = Number.POSITIVE_INFINITY
    const reserved: number[] = []
    let seq = 0
    world.bursar.auditing.subscribe((event) => {
      seq += 1
      if (event.type === 'payment-reserved') reserved.push(seq)
      if (event.type === 'delegation-revoked') revokedAt = seq
    })
    const paying = Array.from({ length: 100 }, (_, index) =>
      world.session.pay({ url: shop(`${index}`), purpose: '' }),
    )
    await new Promise(setImmediate)
    await world.bursar.endUser('alice').revokeDelegation(world.delegation)
    const late = await world.session.pay({ url: shop('late'), purpose: '' })
    await Promise.all(paying)
    expect(outcome(late)).toBe('delegation_revoked')
    expect(reserved.filter((at) => at > revokedAt)).toEqual([])
    expect(world.chain.transfers()).toHaveLength(reserved.length)
  })
})
