import type { Store } from '../../ports/store.ts'
import { benchTrailOf, firstBrokenBenchRecord, type StoreTest } from './bench.ts'
import {
  codeOf,
  plantSample,
  reserveSample,
  sampleDelegation,
  sampleHashOf,
  sampleLimits,
  sampleNote,
  sampleReasonsOf,
  sampleSession,
} from './samples.ts'

/** The number of commits that each of two handles starts at once. */
const CROWD = 50

/** Tests when commits are visible and durable, to one handle, to two, and after closing. */
export function testHandles(suite: StoreTest): void {
  testHandleSoon(suite)
  testClosingHandle(suite)
  testTwoHandles(suite)
}

function recordThroughHandle(store: Store, reason: string, when: 'now' | 'soon'): Promise<number> {
  return store.commit({}, () => ({ result: 0, events: [sampleNote(reason)] }), when)
}

function testHandleSoon({ test, expect }: StoreTest): void {
  test('a read sees at once what was committed soon', async ({ store }) => {
    const delegation = sampleDelegation()
    await plantSample(store, delegation)
    const revoked = { ...delegation, revokedAt: 5 }
    const change = { result: 0, delegations: [revoked], events: [sampleNote('revoked')] }
    const soon = store.commit({ delegation: delegation.id }, () => change, 'soon')
    expect((await store.read({ delegation: delegation.id })).delegation).toEqual(revoked)
    const again = recordThroughHandle(store, 'again', 'soon')
    const [audit, list] = await Promise.all([store.audit({}), store.delegations({}, {})])
    expect(sampleReasonsOf(audit.rows)).toEqual(['planted', 'revoked', 'again'])
    expect(list.rows).toEqual([revoked])
    await Promise.all([soon, again])
  })
  test('a list sees at once the rows that a commit soon has changed', async ({ store }) => {
    const delegation = sampleDelegation()
    await plantSample(store, delegation)
    await store.delegations({}, {})
    const revoked = { ...delegation, revokedAt: 5 }
    const change = { result: 0, delegations: [revoked], events: [sampleNote('revoked')] }
    const soon = store.commit({ delegation: delegation.id }, () => change, 'soon')
    expect((await store.delegations({}, {})).rows).toEqual([revoked])
    await soon
  })
  test('a commit soon becomes durable without another one', async ({ store, open }) => {
    await recordThroughHandle(store, 'alone', 'soon')
    const other = await open()
    expect(sampleReasonsOf(await benchTrailOf(other))).toEqual(['alone'])
  })
  test('commits keep the order of their calls, soon or now', async ({ store }) => {
    const settled: string[] = []
    const commit = async (reason: string, when: 'now' | 'soon'): Promise<void> => {
      await recordThroughHandle(store, reason, when)
      settled.push(reason)
    }
    await Promise.all([
      commit('a', 'soon'),
      commit('b', 'now'),
      commit('c', 'soon'),
      commit('d', 'soon'),
      commit('e', 'now'),
    ])
    expect(settled).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(sampleReasonsOf(await benchTrailOf(store))).toEqual(settled)
  })
}

function testClosingHandle({ test, expect }: StoreTest): void {
  test('closing writes what waits', async ({ store, open }) => {
    const waiting = [
      recordThroughHandle(store, 'soon', 'soon'),
      recordThroughHandle(store, 'now', 'now'),
      recordThroughHandle(store, 'last', 'soon'),
    ]
    const read = store.read({})
    await store.close()
    expect(await Promise.all(waiting)).toEqual([0, 0, 0])
    expect(await read).toEqual({ ancestors: [] })
    expect(sampleReasonsOf(await benchTrailOf(await open()))).toEqual(['soon', 'now', 'last'])
  })
  test('closing writes what a read has run already', async ({ store, open }) => {
    const soon = recordThroughHandle(store, 'soon', 'soon')
    await store.audit({})
    await store.close()
    await soon
    expect(sampleReasonsOf(await benchTrailOf(await open()))).toEqual(['soon'])
  })
  test('calls after closing are refused, and closing twice is not', async ({ store }) => {
    const closing = store.close()
    const calls = [
      recordThroughHandle(store, 'late', 'now'),
      recordThroughHandle(store, 'late', 'soon'),
      store.read({}),
      store.payments({}, {}),
      store.sessions({}, {}),
      store.delegations({}, {}),
      store.content('pay_unknown'),
      store.audit({}),
    ]
    const codes = await Promise.all(calls.map(codeOf))
    await closing
    await store.close()
    expect(codes).toEqual(calls.map(() => 'store_closed'))
    expect(await codeOf(store.read({}))).toBe('store_closed')
  })
  test('everything is there after reopening', async ({ store, open }) => {
    const [delegation, key] = [sampleDelegation(), sampleHashOf('key')]
    const session = sampleSession(delegation.id)
    await plantSample(store, delegation, session)
    const scope = { session: session.id, key }
    await store.commit(scope, reserveSample(1n, key), 'now')
    const [state, trail] = [await store.read(scope), await benchTrailOf(store)]
    await store.close()
    const reopened = await open()
    expect(await reopened.read(scope)).toEqual(state)
    expect(await reopened.commit(scope, reserveSample(1n, key), 'now')).toBe('pinned')
    await recordThroughHandle(reopened, 'after', 'now')
    const after = await benchTrailOf(reopened)
    expect([after.slice(0, -1), after.length]).toEqual([trail, trail.length + 1])
    expect(firstBrokenBenchRecord(after)).toBe(0)
  })
}

function testTwoHandles({ test, expect }: StoreTest): void {
  test('each handle sees what the other has committed', async ({ store, open }) => {
    const delegation = sampleDelegation()
    await plantSample(store, delegation)
    const other = await open()
    const scope = { delegation: delegation.id }
    const count = (handle: Store): Promise<number> =>
      handle.commit(
        scope,
        ({ delegation: newest = delegation }) => {
          const payments = newest.usage.payments + 1
          const next = { ...newest, usage: { ...newest.usage, payments } }
          return { result: payments, delegations: [next], events: [sampleNote('counted')] }
        },
        'now',
      )
    const counts: number[] = []
    for (const handle of [store, other, other, store, other, store])
      counts.push(await count(handle))
    expect(counts).toEqual([1, 2, 3, 4, 5, 6])
    for (const handle of [store, other]) {
      expect((await handle.read(scope)).delegation?.usage.payments).toBe(6)
    }
  })
  test('two handles hold one limit exactly', async ({ store, open }) => {
    const delegation = sampleDelegation()
    const session = sampleSession(delegation.id, { limits: sampleLimits(1_000n) })
    await plantSample(store, delegation, session)
    const other = await open()
    const results = await Promise.all(
      Array.from({ length: CROWD * 2 }, (_, index) =>
        (index % 2 === 0 ? store : other).commit(
          { session: session.id },
          reserveSample(100n),
          index % 7 === 0 ? 'soon' : 'now',
        ),
      ),
    )
    expect(results.filter((result) => result === 'reserved').length).toBe(10)
    const state = await other.read({ session: session.id })
    expect(state.session?.usage.heldMicro).toBe(1_000n)
    const trail = await benchTrailOf(store)
    expect(trail.length).toBe(1 + CROWD * 2)
    expect(firstBrokenBenchRecord(trail)).toBe(0)
  })
}
