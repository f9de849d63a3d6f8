import type { AuditEvent, Bursar, CancelTarget } from '@bursar/core'
import { type FakeConduct, type FakeRail, fakeRail } from '@bursar/core/testing'
import { describe, expect, test } from 'vitest'
import { type GuardWorld, type GuardWorldOptions, guardWorld, shop } from './guard-world.ts'

/** Opens a guard whose rail cancels, at a shop that keeps payloads. */
function world(
  conduct: FakeConduct = 'drops',
  options: Partial<GuardWorldOptions> = {},
): Promise<GuardWorld> {
  const rail = ({ chain }: FakeRail): FakeRail => fakeRail({ chain, cancels: true })
  return guardWorld({ rail, resource: () => ({ conduct }), ...options })
}

async function paid(world: GuardWorld, path = 'a'): Promise<string> {
  await world.session.pay({ url: shop(path), purpose: 'read it' })
  const { rows } = await world.bursar.auditing.payments()
  return rows.at(-1)?.id ?? 'none'
}

async function cancellations(bursar: Bursar): Promise<readonly AuditEvent[]> {
  const { rows } = await bursar.auditing.read()
  return rows.map(({ event }) => event).filter(({ type }) => type.startsWith('cancellation-'))
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  )
}

describe('the end user', () => {
  test('cancels what is signed: it is held until a final block proves it', async () => {
    const it = await world()
    const payment = await paid(it)
    const alice = it.bursar.endUser('alice')
    const cancelled = await alice.cancel({ payment }, { reason: 'not what I wanted' })
    expect(cancelled).toEqual({
      payments: [{ id: payment, outcome: 'asked' }],
      asked: 1,
      refused: 0,
      unavailable: 0,
      unknown: 0,
    })
    expect(await it.session.status()).toMatchObject({ held: '0.01' })
    const signed = it.chain.received[0]?.authorization.nonce ?? ''
    expect(it.chain.settle(signed)).toEqual({ settled: false, reason: 'used' })
    expect(await it.bursar.reconcile()).toMatchObject({ released: 1 })
    expect(await it.session.status()).toMatchObject({ held: '0.00', settled: '0.00' })
    expect(await cancellations(it.bursar)).toMatchObject([
      {
        type: 'cancellation-requested',
        payment,
        by: 'end_user',
        endUser: 'alice',
        reason: 'not what I wanted',
      },
      { type: 'cancellation-answered', payment, outcome: 'asked' },
    ])
    expect(await it.bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('who asks many times at once has the network asked once', async () => {
    let asked = 0
    const rail = ({ chain }: FakeRail): FakeRail => {
      const own = fakeRail({ chain, cancels: true })
      const cancel: FakeRail['cancel'] = async (...given) => {
        asked += 1
        return own.cancel(...given)
      }
      return { ...own, cancel }
    }
    const it = await world('drops', { rail })
    const payment = await paid(it)
    const alice = it.bursar.endUser('alice')
    const some = await Promise.all([1, 2, 3].map(() => alice.cancel({ payment })))
    expect(some.map((one) => one.asked)).toEqual([1, 1, 1])
    expect(asked).toBe(1)
    // The audit trail has each cancellation.
    expect(await cancellations(it.bursar)).toHaveLength(6)
    expect((await alice.cancel({ payment })).refused).toBe(1)
    expect(asked).toBe(2)
  })

  test('cannot cancel what has settled first, and proof says so', async () => {
    const it = await world('settles_then_drops')
    const payment = await paid(it)
    const cancelled = await it.bursar.endUser('alice').cancel({ payment })
    expect(cancelled).toMatchObject({ refused: 1, payments: [{ outcome: 'refused' }] })
    expect(await it.bursar.reconcile()).toMatchObject({ settled: 1, released: 0 })
    const again = await it.bursar.endUser('alice').cancel({ payment })
    expect(again.payments).toEqual([
      { id: payment, outcome: 'refused', reason: 'It is settled, by proof.' },
    ])
    expect(await cancellations(it.bursar)).toHaveLength(2)
    expect(it.wallet.requests).toHaveLength(1)
  })

  test('cancels everything that is open of a permission, of this end user only', async () => {
    const it = await world()
    const ids = [await paid(it, 'a'), await paid(it, 'b'), await paid(it, 'c')]
    const { delegation } = it
    const { id: session } = it.session
    const bob = it.bursar.endUser('bob')
    expect(await codeOf(bob.cancel({ delegation }))).toBe('delegation_unknown')
    expect(await codeOf(bob.cancel({ session }))).toBe('session_unknown')
    expect(await codeOf(bob.cancel({ payment: `${ids[0]}` }))).toBe('payment_unknown')
    const alice = it.bursar.endUser('alice')
    await alice.revokeDelegation(delegation)
    const { payments, asked, cursor } = await alice.cancel({ delegation })
    expect(payments.map(({ id }) => id)).toEqual(ids)
    expect([asked, cursor]).toEqual([3, undefined])
    expect(await alice.cancel({ session })).toMatchObject({ asked: 0, refused: 3 })
    expect(await it.bursar.reconcile()).toMatchObject({ released: 3 })
    expect(await alice.exposure()).toMatchObject({ payments: [], most: [] })
  })

  test.each<[string, unknown]>([
    ['nothing', {}],
    ['two things', { payment: 'pay_1', session: 'ses_1' }],
    ['everything', undefined],
    ['no id', { payment: 7 }],
  ])('has to name what is meant: %s is refused', async (_what, target) => {
    const it = await world()
    const alice = it.bursar.endUser('alice')
    expect(await codeOf(alice.cancel(target as CancelTarget))).toBe('invalid_input')
    expect(await codeOf(alice.cancel({ payment: 'pay_missing' }))).toBe('payment_unknown')
  })

  test('cannot cancel by a payment that was never signed: it is released as never signed', async () => {
    const it = await world('honest')
    it.wallet.answerNext('wallet_unavailable')
    const payment = await paid(it)
    const { payments } = await it.bursar.endUser('alice').cancel({ payment })
    expect(payments).toMatchObject([{ outcome: 'refused', reason: 'It is released, by proof.' }])
  })
})

describe('management', () => {
  test('cancels what has ended, and nothing of what can still pay', async () => {
    const it = await world()
    const payment = await paid(it)
    const { management } = it.bursar
    const live = await management.cancel({ payment })
    expect(live.payments).toMatchObject([
      { outcome: 'refused', reason: expect.stringContaining('Revoke it first') },
    ])
    expect(it.wallet.requests).toHaveLength(1)
    await management.revokeSession(it.session.id)
    expect(await management.cancel({ session: it.session.id })).toMatchObject({ asked: 1 })
    expect((await cancellations(it.bursar))[0]).toMatchObject({ by: 'manager' })
  })

  test('cancels by a permission that the end user has withdrawn', async () => {
    const it = await world()
    await paid(it)
    const { delegation } = it
    expect(await it.bursar.management.cancel({ delegation })).toMatchObject({ refused: 1 })
    await it.bursar.endUser('alice').revokeDelegation(delegation)
    expect(await it.bursar.management.cancel({ delegation })).toMatchObject({ asked: 1 })
  })
})

describe('what cannot be cancelled', () => {
  test('is said before, and when it is asked for', async () => {
    const it = await guardWorld({ resource: () => ({ conduct: 'drops' }) })
    const payment = await paid(it)
    const alice = it.bursar.endUser('alice')
    expect((await alice.exposure()).payments).toMatchObject([{ id: payment, cancellable: false }])
    expect(await alice.cancel({ payment })).toMatchObject({
      unavailable: 1,
      payments: [{ outcome: 'unavailable', reason: expect.stringContaining('no way to cancel') }],
    })
    const able = await world()
    await paid(able)
    const exposure = await able.bursar.endUser('alice').exposure()
    expect(exposure.payments).toMatchObject([{ cancellable: true }])
  })

  test.each([
    ['wallet_unavailable', 'unavailable'],
    ['throw', 'unknown'],
  ] as const)('a signer that answers %s → %s', async (answer, outcome) => {
    const it = await world()
    const payment = await paid(it)
    it.wallet.answerNext(answer)
    const alice = it.bursar.endUser('alice')
    expect((await alice.cancel({ payment })).payments).toMatchObject([{ id: payment, outcome }])
    expect((await alice.cancel({ payment })).payments).toMatchObject([{ outcome: 'asked' }])
  })

  test('a chain that is out of reach → unknown, and the hold stays', async () => {
    const it = await world()
    const payment = await paid(it)
    it.chain.setReachable(false)
    expect(await it.bursar.endUser('alice').cancel({ payment })).toMatchObject({ unknown: 1 })
    expect(await it.session.status()).toMatchObject({ held: '0.01' })
  })
})

test('a payment that is cancelled before it is signed moves nothing', async () => {
  const it = await world('honest')
  it.wallet.answerNext('hang', 'sign')
  const paying = it.session.pay({ url: shop('a'), purpose: 'read it' })
  await expect.poll(() => it.wallet.requests.length).toBe(1)
  const { rows } = await it.bursar.auditing.payments()
  const payment = rows[0]?.id ?? ''
  expect(await it.bursar.endUser('alice').cancel({ payment })).toMatchObject({ asked: 1 })
  it.wallet.release()
  expect(await paying).toMatchObject({ status: 'in_doubt' })
  expect(await it.bursar.reconcile()).toMatchObject({ released: 1 })
  expect(it.chain.transfers()).toEqual([])
})

test('more than one call covers is gone on with by the cursor', async () => {
  const limits = { currency: 'USD', total: '5.00' }
  const it = await world('forges_claim', { limits })
  for (let index = 0; index < 203; index += 1) await paidFast(it, `${index}`)
  const { delegation } = it
  const alice = it.bursar.endUser('alice')
  const first = await alice.cancel({ delegation })
  expect([first.asked, typeof first.cursor]).toEqual([200, 'string'])
  const rest = await alice.cancel({ delegation }, { after: first.cursor })
  expect([rest.asked, rest.cursor]).toEqual([3, undefined])
})

async function paidFast({ session }: GuardWorld, path: string): Promise<void> {
  await session.pay({ url: shop(path), purpose: 'read it' })
}
