import type { PayResult } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import { boundStore } from '../packages/core/src/ports/bound-store.ts'
import type { guardWorld } from './guard-world.ts'
import { a, b, codeOf, conducting, opened, paymentId, untilHeld } from './open-world.ts'

describe('keys', () => {
  const call = { conversation: 'thread-1', id: 'call-1' }

  test('the same key at the same time is one payment with one answer', async () => {
    await using world = await opened()
    const results = await Promise.all(Array.from({ length: 20 }, () => world.session.pay(a, call)))
    expect(new Set(results.map(paymentId)).size).toBe(1)
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('a call that has read before the leading one ended answers with what came of that', async () => {
    const ended = Promise.withResolvers<void>()
    let isLate = false
    const joining: Promise<PayResult>[] = []
    await using world = await opened({
      store: (store) => ({
        ...boundStore(store),
        async read(scope) {
          const state = await store.read(scope)
          if (isLate && scope.key !== undefined) await ended.promise
          return state
        },
      }),
      onMoment: (_moment, { proof }) => {
        if (!proof || isLate) return
        isLate = true
        joining.push(world.session.pay(a, call))
      },
    })
    const first = await world.session.pay(a, call)
    ended.resolve()
    const second = await joining[0]
    expect(second).toMatchObject({ status: 'paid', response: { status: 200 } })
    expect(second && paymentId(second)).toBe(paymentId(first))
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('the same key later answers with its stored result, long after the repeat window', async () => {
    await using world = await opened()
    const first = await world.session.pay(a, call)
    world.clock.advance(600_000)
    const second = await world.session.pay(a, call)
    expect(second).toMatchObject({ status: 'paid', response: { status: 200 } })
    expect(paymentId(second)).toBe(paymentId(first))
    expect(world.merchant.requests).toHaveLength(2)
  })

  test('the same key with another request is refused, while under way and later', async () => {
    await using world = await opened()
    const results = await Promise.all([world.session.pay(a, call), world.session.pay(b, call)])
    expect(results.map(codeOf)).toEqual(['paid', 'key_conflict'])
    expect(codeOf(await world.session.pay(b, call))).toBe('key_conflict')
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('a key whose payment is open in another process answers that it is in progress', async () => {
    await using world = await opened({
      rail: (rail) => ({ ...rail, prove: () => new Promise(() => undefined) }),
    })
    void world.session.pay(a, call)
    await untilHeld(world.session)
    const other = world.another()
    expect(await other.pay(a, call)).toMatchObject({ status: 'in_progress' })
    expect(await other.pay(a, { conversation: 'thread-1', id: 'call-2' })).toMatchObject({
      code: 'duplicate_open',
    })
  })

  test('a key that another process pays in the meantime is not paid again', async () => {
    let quoting = true
    let first: PayResult | undefined
    await using world = await opened({
      onMoment: async () => {
        if (!quoting) return
        quoting = false
        first = await world.another().pay(a, call)
      },
    })
    const second = await world.session.pay(a, call)
    expect(second).toMatchObject({ status: 'paid', response: { status: 200 } })
    expect(first && paymentId(first)).toBe(paymentId(second))
    expect(world.wallet.requests).toHaveLength(1)
  })

  test('a key that was released answers that it failed; a new key may pay', async () => {
    await using world = await opened()
    world.wallet.answerNext('wallet_unavailable')
    expect(await world.session.pay(a, call)).toMatchObject({ status: 'failed' })
    expect(await world.session.pay(a, call)).toMatchObject({ status: 'failed' })
    expect(await world.session.pay(a, { ...call, id: 'call-2' })).toMatchObject({ status: 'paid' })
  })

  test('what is passing wears no key out', async () => {
    await using world = await opened(conducting('drops'))
    await world.session.pay(a)
    for (let count = 0; count < 6; count += 1) {
      expect(codeOf(await world.session.pay(a, call))).toBe('duplicate_open')
    }
    world.clock.advance(61_000)
    await world.bursar.reconcile()
    expect(await world.session.pay(a, call)).toMatchObject({ status: 'in_doubt' })
  })

  test('after five refusals a key answers its last one without a new quote', async () => {
    await using world = await opened({ limits: { currency: 'USD', total: '0.001' } })
    for (let count = 0; count < 5; count += 1) await world.session.pay(a, call)
    expect(world.merchant.requests).toHaveLength(5)
    expect(codeOf(await world.session.pay(a, call))).toBe('session_limit_exceeded')
    expect(world.merchant.requests).toHaveLength(5)
  })

  test('a key that an identical request has answered keeps to that payment', async () => {
    await using world = await opened()
    const first = await world.session.pay(a, call)
    const other = { ...call, id: 'call-2' }
    expect(paymentId(await world.session.pay(a, other))).toBe(paymentId(first))
    world.clock.advance(61_000)
    expect(paymentId(await world.session.pay(a, other))).toBe(paymentId(first))
    expect(codeOf(await world.session.pay(b, other))).toBe('key_conflict')
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('a key whose identical request is paid in the meantime keeps to that payment', async () => {
    let quoting = true
    await using world = await opened({
      onMoment: async () => {
        if (!quoting) return
        quoting = false
        await world.session.pay(a)
      },
    })
    const first = await world.session.pay(a, call)
    world.clock.advance(61_000)
    expect(paymentId(await world.session.pay(a, call))).toBe(paymentId(first))
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('who joins a call is not stopped when the one that leads is', async () => {
    const stop = new AbortController()
    await using world = await opened({
      onMoment: async (_moment, { index }) => {
        if (index === 0) stop.abort()
      },
    })
    const [leads, joins, stopped] = await Promise.all([
      world.session.pay(a, { ...call, signal: stop.signal }),
      world.session.pay(a, call),
      world.session.pay(a, { ...call, signal: stop.signal }),
    ])
    expect([leads.status, joins.status, stopped.status]).toEqual(['failed', 'paid', 'failed'])
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test.each([{ id: 42 }, { conversation: null }])(
    'a key of %j is a mistake of the caller, and is said so',
    async (wrong) => {
      await using world = await opened()
      await expect(world.session.pay(a, { ...call, ...wrong } as never)).rejects.toMatchObject({
        code: 'invalid_input',
      })
      expect(world.merchant.requests).toEqual([])
    },
  )

  test('what is under way is finished before the guard closes, with a key or without', async () => {
    await using world = await opened()
    const paying = world.session.pay(a)
    await untilHeld(world.session)
    const closing = world.bursar.close()
    expect(await paying).toMatchObject({ status: 'paid' })
    await closing
    world.closed = true
  })

  test('half a key is none', async () => {
    await using world = await opened()
    await world.session.pay(a, { id: 'call-1' })
    expect(codeOf(await world.session.pay(b, { id: 'call-1' }))).toBe('paid')
  })
})

describe('duplicates', () => {
  test('an identical request is answered with the stored result for a while, then paid anew', async () => {
    await using world = await opened({ repeatAfter: '10s' })
    const first = await world.session.pay(a)
    world.clock.advance(9_999)
    expect(paymentId(await world.session.pay(a))).toBe(paymentId(first))
    world.clock.advance(1)
    expect(paymentId(await world.session.pay(a))).not.toBe(paymentId(first))
    expect(world.chain.transfers()).toHaveLength(2)
  })

  test('what another session paid in between does not make a session pay again', async () => {
    await using world = await opened({ repeatAfter: '10s' })
    const first = await world.session.pay(a)
    const other = await world.sibling()
    expect(paymentId(await other.pay(a))).not.toBe(paymentId(first))
    expect(paymentId(await world.session.pay(a))).toBe(paymentId(first))
    expect(world.chain.transfers()).toHaveLength(2)
  })

  test('another session of the delegation waits for an open one, and never gets its content', async () => {
    await using world = await opened(conducting('drops'))
    await world.session.pay(a)
    const other = await world.sibling()
    expect(codeOf(await other.pay(a))).toBe('duplicate_open')
    const { rows } = await world.bursar.auditing.payments()
    world.chain.settle((await paymentOf(world.store, rows[0]?.id)).nonce)
    await world.bursar.reconcile()
    const answer = await other.pay(a)
    expect(answer).toMatchObject({ status: 'undelivered', receipt: { paymentId: rows[0]?.id } })
    expect(answer).not.toHaveProperty('response')
    expect(world.wallet.requests).toHaveLength(1)
  })

  test('a result that was too large to keep is answered with its receipt', async () => {
    const body = new Uint8Array(300_000)
    await using world = await opened({ resource: () => ({ content: { body } }) })
    expect(await world.session.pay(a)).toMatchObject({ status: 'paid', response: { status: 200 } })
    const again = await world.session.pay(a)
    expect(again).toMatchObject({ status: 'paid', code: 'content_not_kept' })
    expect(again).not.toHaveProperty('response')
  })
})

async function paymentOf(store: Awaited<ReturnType<typeof guardWorld>>['store'], id = '') {
  const { payment } = await store.read({ payment: id })
  if (!payment) throw new Error(`no payment ${id}`)
  return payment
}
