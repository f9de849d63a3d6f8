import type { Session } from '../../ledger/session.ts'
import { everyRowOnBench, type StoreTest } from './bench.ts'
import {
  plantSample,
  plantSamplePayments,
  sampleDelegation,
  sampleHashOf,
  sampleKey,
  sampleNote,
  samplePayment,
  sampleSession,
} from './samples.ts'

/** Tests that a scope loads the rows that it names with all that belongs to them. */
export function testScopes(suite: StoreTest): void {
  const { test, expect } = suite
  test('a session brings its ancestors, nearest first, and its delegation', async ({ store }) => {
    const delegation = sampleDelegation()
    const root = sampleSession(delegation.id)
    const child = sampleSession(delegation.id, { parent: root.id })
    const grandchild = sampleSession(delegation.id, { parent: child.id })
    await plantSample(store, delegation, root, child, grandchild)
    const whole = { session: grandchild, ancestors: [child, root], delegation }
    expect(await store.read({ session: grandchild.id })).toEqual(whole)
    const seen = await store.commit(
      { session: grandchild.id },
      (state) => ({ result: state, events: [] }),
      'now',
    )
    expect(seen).toEqual(whole)
  })
  test('a payment brings its session, and a key its payment', async ({ store }) => {
    const [delegation, key] = [sampleDelegation(), sampleHashOf('key')]
    const [session, other] = [sampleSession(delegation.id), sampleSession(delegation.id)]
    await plantSample(store, delegation, session, other)
    const payment = samplePayment(session, { key })
    const record = sampleKey(session, key, { payment: payment.id })
    const rows = { payments: [payment], keys: [record] }
    await store.commit({}, () => ({ result: 0, ...rows, events: [sampleNote('x')] }), 'now')
    const whole = { session, delegation, payment, ancestors: [] }
    expect(await store.read({ payment: payment.id })).toEqual(whole)
    const keyed = { ...whole, key: record }
    expect(await store.read({ session: session.id, key })).toEqual(keyed)
    const elsewhere = { session: other, delegation, ancestors: [] }
    expect(await store.read({ session: other.id, key })).toEqual(elsewhere)
  })
  testScopeByName(suite)
  testScopeOfTwins(suite)
  testScopesTogether(suite)
}

function testScopeByName({ test, expect }: StoreTest): void {
  test('what does not exist is absent', async ({ store }) => {
    expect(
      await store.read({
        session: 'ses_unknown',
        delegation: 'del_unknown',
        payment: 'pay_unknown',
        key: sampleHashOf('key'),
        requestHash: sampleHashOf('request'),
        host: 'api.example.com',
        instrument: 'nobody',
      }),
    ).toEqual({ ancestors: [] })
    expect(await store.read({})).toEqual({ ancestors: [] })
    expect(
      await everyRowOnBench((page) => store.payments({ session: 'ses_unknown' }, page)),
    ).toEqual([])
  })
  test('a host is known within its own delegation only', async ({ store }) => {
    const [one, other] = [sampleDelegation(), sampleDelegation()]
    const [session, elsewhere] = [sampleSession(one.id), sampleSession(other.id)]
    await plantSample(store, one, session)
    await plantSample(store, other, elsewhere)
    const host = 'api.example.com'
    const known = {
      delegation: one.id,
      host,
      payee: `0x${'cd'.repeat(20)}`,
      payments: 1,
      troubled: 0,
    }
    const change = { result: 0, merchants: [known], events: [sampleNote('x')] }
    await store.commit({ session: session.id }, () => change, 'now')
    expect((await store.read({ session: session.id, host })).merchant).toEqual(known)
    expect((await store.read({ delegation: one.id, host })).merchant).toEqual(known)
    expect((await store.read({ session: elsewhere.id, host })).merchant).toBe(undefined)
    const otherHost = { session: session.id, host: 'example.com' }
    expect((await store.read(otherHost)).merchant).toBe(undefined)
  })
}

function testScopeOfTwins({ test, expect }: StoreTest): void {
  test('the twin is the latest payment for the request in the delegation', async ({ store }) => {
    const [delegation, other] = [sampleDelegation(), sampleDelegation()]
    const [first, second] = [sampleSession(delegation.id), sampleSession(delegation.id)]
    const elsewhere = sampleSession(other.id)
    await plantSample(store, delegation, first, second)
    await plantSample(store, other, elsewhere)
    // Hashes that begin alike are still two.
    const requestHash = sampleHashOf('request')
    const similar = `${requestHash.slice(0, 40)}${'0'.repeat(24)}`
    const older = samplePayment(first, {}, requestHash)
    const newer = samplePayment(second, { state: 'released' }, requestHash)
    await plantSamplePayments(store, [older, newer])
    await plantSamplePayments(store, [
      samplePayment(first, {}, similar),
      samplePayment(elsewhere, {}, requestHash),
    ])
    expect((await store.read({ session: first.id, requestHash })).twin).toEqual(newer)
    // A row that is written again is no later for that.
    await plantSamplePayments(store, [{ ...older, state: 'signed' }])
    expect((await store.read({ delegation: delegation.id, requestHash })).twin).toEqual(newer)
    const unknown = { session: first.id, requestHash: sampleHashOf('another request') }
    expect((await store.read(unknown)).twin).toBe(undefined)
  })

  test('the own twin is the session’s latest payment where the latest is another’s', async ({
    store,
  }) => {
    const delegation = sampleDelegation()
    const [first, second] = [sampleSession(delegation.id), sampleSession(delegation.id)]
    const third = sampleSession(delegation.id)
    await plantSample(store, delegation, first, second, third)
    const requestHash = sampleHashOf('request')
    const own = samplePayment(first, { state: 'settled' }, requestHash)
    const theirs = samplePayment(second, {}, requestHash)
    await plantSamplePayments(store, [samplePayment(first, {}, requestHash), own, theirs])
    const twins = async (session: Session) => {
      const state = await store.read({ session: session.id, requestHash })
      return [state.twin, state.ownTwin]
    }
    expect(await twins(first)).toEqual([theirs, own])
    expect(await twins(second)).toEqual([theirs, undefined])
    expect(await twins(third)).toEqual([theirs, undefined])
    const pays = (session: Session) => {
      const payment = samplePayment(session, {}, requestHash)
      return store.commit(
        { session: session.id, requestHash },
        ({ twin, ownTwin }) => ({
          result: [payment.id, twin?.id, ownTwin?.id],
          payments: [payment],
          events: [sampleNote('paid')],
        }),
        'now',
      )
    }
    // In one batch as well, each sees what those before it have written.
    const [one, two, again] = await Promise.all([pays(first), pays(second), pays(first)])
    expect(one).toEqual([one[0], theirs.id, own.id])
    expect(two).toEqual([two[0], one[0], theirs.id])
    expect(again).toEqual([again[0], two[0], one[0]])
  })
}

/** Tests that a scope loads no rows beyond those that it leads to. */
function testScopesTogether({ test, expect }: StoreTest): void {
  test('many commits at once, each of which leads to rows of its own', async ({ store }) => {
    const delegation = sampleDelegation()
    const roots = Array.from({ length: 16 }, () => sampleSession(delegation.id))
    const children = roots.map(({ id }) => sampleSession(delegation.id, { parent: id }))
    await plantSample(store, delegation, ...roots, ...children)
    const hashes = roots.map(({ id }) => sampleHashOf(id))
    const theirs = roots.map((root, index) => samplePayment(root, {}, hashes[index]))
    await Promise.all(theirs.map((payment) => plantSamplePayments(store, [payment])))
    const scopes = children.map(({ id }, index) => {
      const requestHash = hashes[index] ?? ''
      return { session: id, requestHash, termsHash: requestHash }
    })
    const events = [sampleNote('seen')]
    const seen = scopes.map((scope) =>
      store.commit(scope, ({ twin }) => ({ result: twin?.id, events }), 'now'),
    )
    expect(await Promise.all(seen)).toEqual(theirs.map(({ id }) => id))
  })
}
