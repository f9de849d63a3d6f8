import type { PayResult } from '@bursar/core'
import { type FakeConduct, manualClock } from '@bursar/core/testing'
import { describe, expect, test } from 'vitest'
import { archive, endLongAgo } from './archive-world.ts'
import { shop } from './guard-world.ts'
import { a, codeOf, conducting, opened, paymentId } from './open-world.ts'

const MINUTE_MS = 60_000

describe('headers that change with each try', () => {
  test.each([
    ['x-request-id', 'X-Stainless-Retry-Count', 'traceparent', 'user-agent'],
    ['x-correlation-id', 'amz-sdk-invocation-id', 'x-b3-spanid', 'date'],
    ['request-id', 'x-client-request-id', 'baggage', 'x-retry-attempt'],
  ])('%s and others make no new request of a lost response', async (...names) => {
    await using world = await opened(conducting('settles_then_drops'))
    const answers: string[] = []
    for (const [index, name] of names.entries()) {
      const headers = { [name]: `try ${index}` }
      answers.push(codeOf(await world.session.pay({ ...a, headers })))
    }
    expect(answers).toEqual(['in_doubt', 'duplicate_open', 'duplicate_open', 'duplicate_open'])
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('any other header makes another request', async () => {
    await using world = await opened(conducting('settles_then_drops'))
    for (const value of ['en', 'de']) {
      const headers = { 'accept-language': value, 'idempotency-key': value }
      expect(codeOf(await world.session.pay({ ...a, headers }))).toBe('in_doubt')
    }
    expect(world.chain.transfers()).toHaveLength(2)
  })
})

describe('the time in which a payment answers an identical request', () => {
  test('counts from the first answer that says it was paid, however late the proof', async () => {
    const clock = manualClock()
    await using world = await opened({ clock, ...conducting('settles_silently') })
    const pay = (id: string) => world.session.pay(a, { conversation: 'thread', id })
    const first = await pay('1')
    expect(first.status).toBe('in_doubt')
    clock.advance(101_000)
    expect(await world.bursar.reconcile()).toMatchObject({ settled: 1 })
    clock.advance(20 * MINUTE_MS)
    const late = await pay('2')
    expect(late).toMatchObject({ status: 'paid', receipt: { paymentId: idOf(first) } })
    clock.advance(MINUTE_MS - 1)
    expect(paymentId(await pay('3'))).toBe(idOf(first))
    expect(world.chain.transfers()).toHaveLength(1)
    clock.advance(1)
    expect(codeOf(await pay('4'))).toBe('in_doubt')
    expect(world.chain.transfers()).toHaveLength(2)
  })

  test('is noted once, by whichever process answers', async () => {
    const clock = manualClock()
    await using world = await opened({ clock, ...conducting('settles_silently') })
    await world.session.pay(a)
    await world.bursar.reconcile()
    const answers = await Promise.all([world.session.pay(a), world.another().pay(a)])
    expect(answers.map(codeOf)).toEqual(['paid', 'paid'])
    const { rows } = await world.bursar.auditing.read()
    expect(rows.filter(({ event }) => event.type === 'payment-answered')).toHaveLength(1)
  })
})

describe('a request that was paid and not delivered', () => {
  const undelivering: readonly FakeConduct[] = ['settles_undelivered', 'settles_broken_body']

  test.each(undelivering)('is not paid again in the whole delegation (%s)', async (conduct) => {
    const clock = manualClock()
    await using world = await opened({ clock, ...conducting(conduct) })
    const first = await world.session.pay(a)
    for (let minute = 1; minute <= 5; minute += 1) {
      clock.advance(MINUTE_MS + 1_000)
      const answers = [await world.session.pay(a), await (await world.sibling()).pay(a)]
      expect(answers.map(codeOf)).toEqual(['undelivered', 'undelivered'])
      expect(answers.map(paymentId)).toEqual([paymentId(first), paymentId(first)])
      // The first session may see what came; another session of the delegation may not.
      expect(answers.map((answer) => 'response' in answer)).toEqual([true, false])
      await world.bursar.reconcile()
    }
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('nor after its response was lost and the chain has proved it', async () => {
    const clock = manualClock()
    await using world = await opened({ clock, ...conducting('settles_then_drops') })
    const first = await world.session.pay(a)
    await world.bursar.reconcile()
    clock.advance(2 * MINUTE_MS)
    const again = await world.session.pay(a, { conversation: 'thread', id: 'another' })
    expect(again).toMatchObject({ status: 'undelivered', receipt: { paymentId: idOf(first) } })
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('is paid once more, when its end user has allowed it', async () => {
    let conduct: FakeConduct = 'settles_undelivered'
    await using world = await opened({ resource: () => ({ conduct }) })
    const alice = world.bursar.endUser('alice')
    const first = idOf(await world.session.pay(a))
    const allowed = await alice.allowAgain(first, { reason: 'the shop was down' })
    expect(allowed).toMatchObject({ id: first, state: 'claimed' })
    conduct = 'honest'
    const [second, third] = await Promise.all([world.session.pay(a), world.another().pay(a)])
    expect([second, third].map(codeOf).toSorted()).toContain('paid')
    expect(world.chain.transfers()).toHaveLength(2)
    expect(codeOf(await world.session.pay(a))).toBe('paid')
    expect(world.chain.transfers()).toHaveLength(2)
    await expect(alice.allowAgain(first)).rejects.toMatchObject({ code: 'payment_repeated' })
  })

  test.each([
    ['the time is over', 15 * MINUTE_MS, 10_000n],
    ['the price is higher', 0, 10_001n],
  ])('is not paid once more if %s', async (_what, later, atomic) => {
    const clock = manualClock()
    let price = 10_000n
    const resource = () =>
      ({ conduct: 'settles_undelivered', offers: [{ atomic: price }] }) as const
    await using world = await opened({ clock, resource })
    const first = idOf(await world.session.pay(a))
    await world.bursar.endUser('alice').allowAgain(first)
    clock.advance(later)
    price = atomic
    expect(paymentId(await world.session.pay(a))).toBe(first)
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('stays undelivered when the payment that repeats it is released', async () => {
    const clock = manualClock()
    let conduct: FakeConduct = 'settles_undelivered'
    await using world = await opened({ clock, resource: () => ({ conduct }) })
    const alice = world.bursar.endUser('alice')
    const first = idOf(await world.session.pay(a))
    await world.bursar.reconcile()
    await alice.allowAgain(first)
    conduct = 'drops'
    const second = idOf(await world.session.pay(a))
    clock.advance(10 * MINUTE_MS)
    expect(await world.bursar.reconcile()).toMatchObject({ released: 1 })
    const again = await world.session.pay(a)
    expect(again).toMatchObject({ status: 'undelivered', receipt: { paymentId: first } })
    await expect(alice.allowAgain(second)).rejects.toMatchObject({
      code: 'payment_not_undelivered',
    })
    await alice.allowAgain(first)
    conduct = 'honest'
    expect(codeOf(await world.session.pay(a))).toBe('paid')
    expect(world.chain.transfers()).toHaveLength(2)
  })

  test('can be allowed by its own end user only, and only if nothing came', async () => {
    await using world = await opened()
    const paid = idOf(await world.session.pay(a))
    const { endUser } = world.bursar
    for (const [name, payment, code] of [
      ['bob', paid, 'payment_unknown'],
      ['alice', 'pay_none', 'payment_unknown'],
      ['alice', paid, 'payment_not_undelivered'],
    ] as const) {
      await expect(endUser(name).allowAgain(payment)).rejects.toMatchObject({ code })
    }
  })

  test('keeps its session out of archives until the delegation has ended', async () => {
    const clock = manualClock()
    const world = await opened({ clock, ...conducting('settles_undelivered') })
    await world.session.pay(a)
    await world.bursar.reconcile()
    await endLongAgo(world)
    expect(await archive(world.bursar)).toMatchObject({ sessions: [] })
    expect(codeOf(await (await world.sibling()).pay(a))).toBe('undelivered')
    await world.bursar.endUser('alice').revokeDelegation(world.delegation)
    expect(await archive(world.bursar)).toMatchObject({ sessions: [world.session.id] })
  })
})

describe('the third payment in doubt or undelivered at a host', () => {
  test.each<[FakeConduct, boolean]>([
    ['settles_undelivered', true],
    ['settles_then_drops', true],
    ['drops', true],
    ['honest', false],
  ])('asks before the next one there (%s: %s)', async (conduct, asks) => {
    await using world = await opened(conducting(conduct))
    for (let index = 1; index <= 3; index += 1) {
      const { status } = await world.session.pay({ ...a, url: shop(`${index}`) })
      expect(status).not.toBe('approval_required')
    }
    const fourth = await world.session.pay({ ...a, url: shop('4') })
    expect(fourth.status === 'approval_required').toBe(asks)
    const elsewhere = await (await world.sibling()).pay({ ...a, url: shop('5') })
    expect(elsewhere.status === 'approval_required').toBe(asks)
  })

  test('does not ask any more when the doubts turn out to be nothing', async () => {
    const clock = manualClock()
    await using world = await opened({ clock, ...conducting('drops') })
    for (let index = 1; index <= 3; index += 1) {
      await world.session.pay({ ...a, url: shop(`${index}`) })
    }
    clock.advance(10 * MINUTE_MS)
    expect(await world.bursar.reconcile()).toMatchObject({ released: 3 })
    expect((await world.session.pay({ ...a, url: shop('4') })).status).toBe('in_doubt')
  })
})

function idOf(result: PayResult): string {
  const id = paymentId(result) ?? ('paymentId' in result ? result.paymentId : undefined)
  if (id === undefined) throw new Error(`There is no payment: ${result.message}`)
  return id
}
