import type { Change } from '../../ledger/ledger-state.ts'
import type { StoreTest } from './bench.ts'
import { benchTrailOf, firstBrokenBenchRecord } from './bench.ts'
import {
  codeOf,
  failureOf,
  plantSample,
  plantSamplePayments,
  reserveSample,
  sampleDelegation,
  sampleHashOf,
  sampleLimits,
  sampleNote,
  samplePayment,
  sampleReasonsOf,
  sampleSession,
} from './samples.ts'

/** The number of commits that start at once. */
const CROWD = 100

/** The number of these commits that fit the limit. */
const FITTING = 10

/** Tests that commits run one at a time, on the newest state, and whole or not at all. */
export function testCommits(suite: StoreTest): void {
  const { test, expect } = suite
  test('many at once against one limit: exactly as many as fit', async ({ store }) => {
    const delegation = sampleDelegation()
    const session = sampleSession(delegation.id, { limits: sampleLimits(1_000n) })
    await plantSample(store, delegation, session)
    const one = 1_000n / BigInt(FITTING)
    const results = await Promise.all(
      Array.from({ length: CROWD }, () =>
        store.commit({ session: session.id }, reserveSample(one), 'now'),
      ),
    )
    expect(results.filter((result) => result === 'reserved').length).toBe(FITTING)
    const state = await store.read({ session: session.id })
    expect(state.session?.usage.heldMicro).toBe(1_000n)
    expect(state.delegation?.usage.payments).toBe(FITTING)
    const { rows } = await store.payments({ session: session.id }, {})
    expect(rows.length).toBe(FITTING)
  })
  test('the same key at once: pinned to one payment', async ({ store }) => {
    const [delegation, key] = [sampleDelegation(), sampleHashOf('key')]
    const session = sampleSession(delegation.id)
    await plantSample(store, delegation, session)
    const results = await Promise.all(
      Array.from({ length: CROWD }, () =>
        store.commit({ session: session.id, key }, reserveSample(1n, key), 'now'),
      ),
    )
    expect(results.filter((result) => result === 'reserved').length).toBe(1)
    expect(results.filter((result) => result === 'pinned').length).toBe(CROWD - 1)
  })
  test('each change runs on what the one before it has written', async ({ store }) => {
    const delegation = sampleDelegation()
    await plantSample(store, delegation)
    const counts = await Promise.all(
      Array.from({ length: CROWD }, (_, index) =>
        store.commit(
          { delegation: delegation.id },
          ({ delegation: newest = delegation }) => {
            const payments = newest.usage.payments + 1
            const next = { ...newest, usage: { ...newest.usage, payments } }
            return { result: payments, delegations: [next], events: [sampleNote('counted')] }
          },
          index % 3 === 0 ? 'soon' : 'now',
        ),
      ),
    )
    expect(counts).toEqual(Array.from({ length: CROWD }, (_, index) => index + 1))
  })
  testRefusedCommits(suite)
  testFailedCommits(suite)
}

function testRefusedCommits({ test, expect }: StoreTest): void {
  test('a change that throws rejects alone, with what it threw', async ({ store }) => {
    const refusal = new Error('no')
    const commits = Array.from({ length: CROWD }, (_, index) =>
      store.commit(
        {},
        () => {
          if (index % 2 === 1) throw refusal
          return { result: index, events: [sampleNote(`kept ${index}`)] }
        },
        'now',
      ),
    )
    const failures = await Promise.all(commits.map(failureOf))
    const even = Array.from({ length: CROWD / 2 }, (_, index) => `kept ${index * 2}`)
    expect(failures.filter((failure) => failure === refusal).length).toBe(CROWD / 2)
    const trail = await benchTrailOf(store)
    expect(sampleReasonsOf(trail)).toEqual(even)
    expect(firstBrokenBenchRecord(trail)).toBe(0)
  })
  test('a change that writes nothing leaves no record', async ({ store }) => {
    expect(await store.commit({}, () => ({ result: 'nothing', events: [] }), 'now')).toBe('nothing')
    expect(await benchTrailOf(store)).toEqual([])
  })
  test('rows without an audit record are refused', async ({ store }) => {
    const delegation = sampleDelegation()
    const change = { result: 0, delegations: [delegation], events: [] }
    expect(await codeOf(store.commit({}, () => change, 'now'))).toBe('invariant_broken')
    expect(await store.read({ delegation: delegation.id })).toEqual({ ancestors: [] })
  })
  test('a row never changes the fields that it keeps for life', async ({ store }) => {
    const delegation = sampleDelegation()
    const session = sampleSession(delegation.id)
    const payment = samplePayment(session)
    await plantSample(store, delegation, session)
    await plantSamplePayments(store, [payment])
    const terms = { ...payment.terms, amountMicro: payment.terms.amountMicro + 1n }
    const changes: readonly Partial<Change<number>>[] = [
      { delegations: [{ ...delegation, createdAt: 9 }] },
      { sessions: [{ ...session, payer: 'key_other' }] },
      { payments: [{ ...payment, reservedAt: 9 }] },
      { payments: [{ ...payment, terms }] },
    ]
    const scopes = [{ payment: payment.id }, {}]
    for (const change of changes) {
      for (const scope of scopes) {
        const changed = { result: 0, ...change, events: [sampleNote('changed')] }
        expect(await codeOf(store.commit(scope, () => changed, 'now'))).toBe('invariant_broken')
      }
    }
    const state = { session, delegation, payment, ancestors: [] }
    expect(await store.read({ payment: payment.id })).toEqual(state)
  })
}

function testFailedCommits({ test, expect }: StoreTest): void {
  test('a change that cannot be written leaves nothing, and its neighbours stay', async (bench) => {
    const { store, open } = bench
    const delegation = sampleDelegation()
    const session = sampleSession(delegation.id)
    await plantSample(store, delegation, session)
    const orphan = samplePayment({ ...session, id: 'ses_unknown' })
    const spent = { ...session, usage: { ...session.usage, heldMicro: 5n } }
    const bad = { result: 0, sessions: [spent], payments: [orphan], events: [sampleNote('bad')] }
    const reserve = (): Promise<unknown> =>
      store.commit({ session: session.id }, reserveSample(1n), 'now')
    const results = await Promise.all([
      reserve(),
      codeOf(store.commit({ session: session.id }, () => bad, 'now')),
      reserve(),
    ])
    expect(results).toEqual(['reserved', 'invariant_broken', 'reserved'])
    for (const handle of [store, await open()]) {
      const state = await handle.read({ session: session.id, payment: orphan.id })
      expect(state.session?.usage.heldMicro).toBe(2n)
      expect(state.payment).toBe(undefined)
    }
    const trail = await benchTrailOf(store)
    expect(sampleReasonsOf(trail)).toEqual(['planted', 'reserved', 'reserved'])
    expect(firstBrokenBenchRecord(trail)).toBe(0)
  })
}
