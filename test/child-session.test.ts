import type { PaymentSession } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import { guardWorld, shop, spentOnChain } from './guard-world.ts'
import { outcome } from './sandbox-world.ts'

const usd = (total: string, more: object = {}) => ({ currency: 'USD', total, ...more })
const child = { limits: usd('0.50'), expiresIn: '10m' }
const pay = async (session: PaymentSession, path: string) =>
  outcome(await session.pay({ url: shop(path), purpose: '' }))

describe('a child session', () => {
  test('draws from its parent’s pool, and its siblings’', async () => {
    const world = await guardWorld({ limits: usd('0.05') })
    const first = await world.session.openChild({ ...child, limits: usd('0.05') })
    const second = await world.session.openChild({ ...child, limits: usd('0.02') })
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, index) => {
        const sessions = [world.session, first.session, second.session]
        return pay(sessions[index % 3] ?? world.session, `${index}`)
      }),
    )
    expect(results.filter((one) => one === 'paid')).toHaveLength(5)
    expect(spentOnChain(world)).toBe(50_000n)
    await world.bursar.reconcile()
    expect(await world.session.status()).toMatchObject({ settled: '0.05', payments: 5 })
    const { settled = '' } = await second.session.status()
    expect(Number(settled)).toBeLessThanOrEqual(0.02)
    expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('has ended, as whoever asks is told, when what it draws from has', async () => {
    const world = await guardWorld()
    const { session: first } = await world.session.openChild(child)
    const { session: second } = await first.openChild({ ...child, limits: usd('0.05') })
    const { management } = world.bursar
    const told = async () => {
      const listed = await management.sessions({ delegation: world.delegation })
      const seen = await world.bursar.endUser('alice').sessions()
      const named = await management.session(second.id)
      const { state } = await second.status()
      return [state, named.state, ...[listed, seen].map(({ rows }) => rows.at(-1)?.state)]
    }
    expect(await told()).toEqual(['open', 'open', 'open', 'open'])
    expect(await second.status()).toMatchObject({ remaining: '0.05' })
    await first.close()
    expect(await told()).toEqual(['revoked', 'revoked', 'revoked', 'revoked'])
    expect(await first.status()).toMatchObject({ state: 'revoked' })
    expect(await world.session.status()).toMatchObject({ state: 'open' })
    await world.bursar.endUser('alice').revokeDelegation(world.delegation)
    expect(await world.session.status()).toMatchObject({ state: 'revoked' })
  })

  test('exposes what it may still pay in its parent’s exposure, and nothing of its siblings’', async () => {
    const world = await guardWorld()
    const { session: left } = await world.session.openChild(child)
    const { session: below } = await left.openChild(child)
    const { session: right } = await world.session.openChild(child)
    for (const [index, session] of [world.session, left, below, right].entries()) {
      expect(await pay(session, `${index}`)).toBe('paid')
    }
    const { management } = world.bursar
    const exposed = async (filter: { session: string; delegation?: string }) => {
      const { payments, most } = await management.exposure(filter)
      return [payments.map(({ session }) => session), most.map(({ amount }) => amount)]
    }
    const all = [world.session.id, left.id, below.id, right.id]
    expect(await exposed({ session: world.session.id })).toEqual([all, ['0.04']])
    expect(await exposed({ session: left.id })).toEqual([[left.id, below.id], ['0.02']])
    expect(await exposed({ session: right.id })).toEqual([[right.id], ['0.01']])
    const { delegation } = world
    expect(await exposed({ session: left.id, delegation })).toEqual([[left.id, below.id], ['0.02']])
    expect(await exposed({ session: left.id, delegation: 'del_other' })).toEqual([[], []])
    expect(await exposed({ session: 'ses_other' })).toEqual([[], []])
  })

  test('is never wider than its parent', async () => {
    const limits = usd('1.00', { perPayment: '0.10', payments: 5 })
    const { session } = await guardWorld({ limits })
    const open = (wrong: object) => session.openChild({ ...child, ...wrong })
    await expect(open({ limits: usd('1.01') })).rejects.toThrow('openChild: limits.total')
    await expect(open({ limits: usd('1.00', { perPayment: '0.11' }) })).rejects.toThrow(
      'limits.perPayment',
    )
    await expect(open({ limits: usd('1.00', { payments: 6 }) })).rejects.toThrow('limits.payments')
    await expect(open({ limits: { currency: 'EUR', total: '1.00' } })).rejects.toThrow('currency')
    await expect(open({ expiresIn: '31m' })).rejects.toThrow('expiresIn')
    await expect(open({ expiresIn: 'soon' })).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(open({})).resolves.toMatchObject({ token: expect.stringContaining('bursar_ses_') })
  })

  test('what its own limits leave open, its parent’s decide', async () => {
    const { session } = await guardWorld({ limits: usd('1.00', { perPayment: '0.009' }) })
    const opened = await session.openChild(child)
    expect(await pay(opened.session, 'a')).toBe('payment_limit_exceeded')
  })

  test('cannot drop what its parent asks, nor pay where only its parent may not', async () => {
    const asks = await guardWorld({ sessionAsk: { always: true } })
    const asked = await asks.session.openChild(child)
    expect(await pay(asked.session, 'a')).toBe('approval_required')
    const narrow = await guardWorld({
      merchants: 'none',
      sessionMerchants: [{ host: 'other.example' }],
    })
    const opened = await narrow.session.openChild(child)
    expect(await pay(opened.session, 'a')).toBe('merchant_not_allowed')
  })

  test('shares no key, no call under way and no quote with another session', async () => {
    const world = await guardWorld()
    const poor = await world.session.openChild({ ...child, limits: usd('0.005') })
    const call = { conversation: 'c', id: '1' }
    const request = { url: shop('a'), purpose: '' }
    const both = [world.session.pay(request, call), poor.session.pay(request, call)]
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual(['paid', 'denied'])
    const other = { ...call, id: '2' }
    const quoted = { url: shop('q'), purpose: '' }
    expect(await world.session.quote(quoted, other)).toMatchObject({ status: 'payable' })
    expect(await poor.session.quote(quoted, other)).toMatchObject({ status: 'denied' })
  })

  test('shares its parent’s rate of calls', async () => {
    const world = await guardWorld({ resource: () => ({ offers: [] }) })
    const children = [
      (await world.session.openChild(child)).session,
      (await world.session.openChild(child)).session,
    ]
    const results: string[] = []
    for (let count = 0; count < 700; count += 1) {
      results.push(await pay(children[count % 2] ?? world.session, 'a'))
    }
    expect(results.filter((one) => one === 'free')).toHaveLength(598)
  })

  test('asks no longer than its parent lives', async () => {
    const world = await guardWorld({ sessionAsk: { always: true } })
    const { session } = await world.session.openChild({ ...child, expiresIn: '30m' })
    await world.bursar.management.changeSession(world.session.id, { expiresIn: '2m' })
    const result = await session.pay({ url: shop('a'), purpose: '' })
    expect(result).toMatchObject({
      approval: { expiresAt: new Date(world.clock() + 120_000).toISOString() },
    })
  })

  test('ends with its parent, however that ends', async () => {
    const world = await guardWorld()
    const { session } = await world.session.openChild(child)
    const { session: grandchild } = await session.openChild(child)
    expect(await pay(grandchild, 'a')).toBe('paid')
    await session.close()
    expect(await pay(grandchild, 'b')).toBe('session_revoked')
    expect(await pay(world.session, 'b')).toBe('paid')
    const { session: other } = await world.session.openChild(child)
    await world.bursar.management.revokeSession(world.session.id)
    expect(await pay(other, 'c')).toBe('session_revoked')
    await expect(other.openChild(child)).rejects.toMatchObject({ code: 'session_revoked' })
  })

  test('is opened to a named depth', async () => {
    const { session } = await guardWorld()
    let deepest = session
    for (let depth = 1; depth < 4; depth += 1) {
      deepest = (await deepest.openChild(child)).session
    }
    expect(await pay(deepest, 'a')).toBe('paid')
    await expect(deepest.openChild(child)).rejects.toMatchObject({ code: 'session_too_deep' })
  })

  test('is handed out as a token, which works in another process and never upwards', async () => {
    const world = await guardWorld()
    const { token, session } = await world.session.openChild({ ...child, limits: usd('0.01') })
    const elsewhere = world.reopen().openSession(token)
    expect(elsewhere.id).toBe(session.id)
    expect(await pay(elsewhere, 'a')).toBe('paid')
    expect(await pay(elsewhere, 'b')).toBe('session_limit_exceeded')
    expect(await world.session.status()).toMatchObject({ remaining: '0.99', payments: 1 })
  })

  test('of a token that belongs to no session there is none', async () => {
    const world = await guardWorld()
    const stranger = world.bursar.openSession(`${world.token.slice(0, -3)}AAA`)
    await expect(stranger.openChild(child)).rejects.toMatchObject({ code: 'session_unknown' })
  })

  test('are opened no faster than calls are made', async () => {
    const world = await guardWorld()
    const opening = Array.from({ length: 700 }, () => world.session.openChild(child))
    const results = await Promise.allSettled(opening)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(600)
    expect(results.at(-1)).toMatchObject({ reason: { code: 'request_rate_exceeded' } })
  })
})
