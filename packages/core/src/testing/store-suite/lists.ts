import type { Delegation } from '../../ledger/delegation.ts'
import type { Payment } from '../../ledger/payment.ts'
import { MAX_PAGE, type Store } from '../../ports/store.ts'
import { benchTrailOf, everyRowOnBench, firstBrokenBenchRecord, type StoreTest } from './bench.ts'
import {
  codeOf,
  hardText,
  plantSample,
  plantSamplePayments,
  sampleDelegation,
  sampleNote,
  samplePayment,
  sampleReasonsOf,
  sampleSession,
} from './samples.ts'

/** The number of payments of a large session. */
const MANY = 2_000

/** Tests that pages are complete, in order and bounded. */
export function testLists(suite: StoreTest): void {
  testAuditList(suite)
  testBigSessionList(suite)
  testListFilters(suite)
  testListBounds(suite)
}

function testAuditList({ test, expect }: StoreTest): void {
  test('audit records are chained in the order of their commits', async ({ store, clock }) => {
    const events = Array.from({ length: 30 }, (_, index) => sampleNote(`${index} ${hardText}`))
    await Promise.all(
      events.map((event, index) => {
        clock.advance(index)
        return store.commit({}, () => ({ result: 0, events: [event, event] }), 'now')
      }),
    )
    const trail = await benchTrailOf(store)
    expect(trail.map((record) => record.body)).toEqual(
      events.flatMap((event) => [JSON.stringify(event), JSON.stringify(event)]),
    )
    expect(firstBrokenBenchRecord(trail)).toBe(0)
  })
  test('a page never skips a record while commits go on', async ({ store, open }) => {
    const other = await open()
    const handles = [store, other]
    const commits: Promise<unknown>[] = []
    const seen: unknown[] = []
    let after: string | undefined
    for (let index = 0; index < 60; index += 1) {
      const handle = handles[index % 2] as Store
      const change = {
        result: 0,
        events: [sampleNote(`first ${index}`), sampleNote(`second ${index}`)],
      }
      commits.push(handle.commit({}, () => change, index % 5 === 0 ? 'soon' : 'now'))
      const page = await store.audit({ after, limit: 3 })
      if (page.cursor === undefined) continue
      seen.push(...page.rows)
      after = page.cursor
    }
    await Promise.all(commits)
    seen.push(
      ...(await everyRowOnBench((page) => store.audit({ ...page, after: page.after ?? after }))),
    )
    const trail = await benchTrailOf(store)
    expect(trail.length).toBe(120)
    expect(seen).toEqual(trail)
    expect(firstBrokenBenchRecord(trail)).toBe(0)
  })
}

function testBigSessionList({ test, expect }: StoreTest): void {
  test('lists a big session page by page, oldest first, each payment once', async ({ store }) => {
    const delegation = sampleDelegation()
    const [session, other] = [sampleSession(delegation.id), sampleSession(delegation.id)]
    await plantSample(store, delegation, session, other)
    const payments = Array.from({ length: MANY }, (_, index) =>
      samplePayment(session, { state: index % 3 === 0 ? 'claimed' : 'settled' }),
    )
    for (let index = 0; index < MANY; index += 250) {
      await plantSamplePayments(store, [
        samplePayment(other),
        ...payments.slice(index, index + 250),
        samplePayment(other),
      ])
    }
    const ids = (rows: readonly Payment[]): readonly string[] => rows.map(({ id }) => id)
    const filter = { session: session.id }
    const all = await everyRowOnBench((page) => store.payments(filter, page))
    expect(ids(all)).toEqual(ids(payments))
    const small = await everyRowOnBench((page) => store.payments(filter, page), 77)
    expect(ids(small)).toEqual(ids(payments))
    const claimed = await everyRowOnBench((page) =>
      store.payments({ ...filter, states: ['claimed', 'in_doubt'] }, page),
    )
    expect(ids(claimed)).toEqual(ids(payments.filter(({ state }) => state === 'claimed')))
  })
}

function testListFilters({ test, expect }: StoreTest): void {
  test('lists by session, delegation, end user and state', async ({ store }) => {
    const [mine, second] = [sampleDelegation(), sampleDelegation()]
    const hers = sampleDelegation({ endUser: 'berta' })
    const [one, two] = [sampleSession(mine.id), sampleSession(second.id)]
    const three = sampleSession(hers.id)
    await plantSample(store, mine, one)
    await plantSample(store, hers, three)
    await plantSample(store, second, two)
    const [a, b, c, d] = [
      samplePayment(one, { state: 'reserved' }),
      samplePayment(three, { state: 'signed', endUser: 'berta' }),
      samplePayment(two, { state: 'released' }),
      samplePayment(one, { state: 'in_doubt' }),
    ] as const
    await plantSamplePayments(store, [a, b, c, d])
    const listed = async (filter: Parameters<Store['payments']>[0]): Promise<readonly string[]> =>
      (await everyRowOnBench((page) => store.payments(filter, page), 1)).map(({ id }) => id)
    expect(await listed({})).toEqual([a.id, b.id, c.id, d.id])
    expect(await listed({ session: one.id })).toEqual([a.id, d.id])
    expect(await listed({ delegation: second.id })).toEqual([c.id])
    expect(await listed({ endUser: 'alice' })).toEqual([a.id, c.id, d.id])
    expect(await listed({ states: ['reserved', 'signed'] })).toEqual([a.id, b.id])
    expect(await listed({ states: ['released', 'signed'] })).toEqual([b.id, c.id])
    expect(await listed({ endUser: 'alice', states: ['in_doubt'] })).toEqual([d.id])
    expect(await listed({ session: one.id, delegation: second.id })).toEqual([])
    expect(await listed({ states: [] })).toEqual([])
    const { sessions, delegations } = store
    expect((await sessions({ endUser: 'alice' }, {})).rows).toEqual([one, two])
    expect((await sessions({ delegation: hers.id }, {})).rows).toEqual([three])
    expect(await everyRowOnBench((page) => sessions({}, page), 1)).toEqual([one, three, two])
    expect((await delegations({ endUser: 'berta' }, {})).rows).toEqual([hers])
    expect(await everyRowOnBench((page) => delegations({}, page), 2)).toEqual([mine, hers, second])
  })
  test('lists the delegations whose permission is unsettled', async ({ store }) => {
    const [none, asked, granted] = [
      sampleDelegation(),
      sampleDelegation({ permission: { state: 'requested' } }),
      sampleDelegation({ endUser: 'berta', permission: { id: 'p', state: 'granted' } }),
    ] as const
    const write = (delegations: readonly Delegation[]) =>
      store.commit({}, () => ({ result: 0, delegations, events: [sampleNote('written')] }), 'now')
    const change = (next: Delegation) =>
      store.commit(
        { delegation: next.id },
        () => ({ result: 0, delegations: [next], events: [sampleNote('changed')] }),
        'now',
      )
    const unsettled = () =>
      everyRowOnBench((page) => store.delegations({ unsettled: true }, page), 1)
    await write([none, asked, granted])
    expect(await unsettled()).toEqual([asked])
    const settled: Delegation = { ...asked, permission: { id: 'q', state: 'granted' } }
    const leaving: Delegation = { ...granted, permission: { id: 'p', state: 'withdrawing' } }
    await change(settled)
    await change(leaving)
    expect(await unsettled()).toEqual([leaving])
    expect((await store.delegations({ unsettled: true, endUser: 'alice' }, {})).rows).toEqual([])
    await change({ ...leaving, permission: { id: 'p', state: 'withdrawn' } })
    expect(await unsettled()).toEqual([])
  })
}

function testListBounds({ test, expect }: StoreTest): void {
  test('a page has a bound, and its cursor leads to what is there later', async ({ store }) => {
    const events = Array.from({ length: MAX_PAGE + 1 }, (_, index) => sampleNote(`${index}`))
    await store.commit({}, () => ({ result: 0, events }), 'now')
    for (const limit of [undefined, MAX_PAGE, MAX_PAGE + 1, 1_000_000]) {
      const { rows, cursor } = await store.audit({ limit })
      expect([rows.length, typeof cursor]).toEqual([MAX_PAGE, 'string'])
      const last = await store.audit({ limit, after: cursor })
      expect(sampleReasonsOf(last.rows)).toEqual([`${MAX_PAGE}`])
      expect(await store.audit({ limit, after: last.cursor })).toEqual({ rows: [] })
    }
    const { cursor } = await store.audit({ after: (await store.audit({})).cursor })
    await store.commit({}, () => ({ result: 0, events: [sampleNote('later')] }), 'now')
    expect(sampleReasonsOf((await store.audit({ after: cursor })).rows)).toEqual(['later'])
  })
  test('a bad cursor and a bad limit are refused', async ({ store }) => {
    const delegation = sampleDelegation()
    await plantSample(store, delegation, sampleSession(delegation.id), sampleSession(delegation.id))
    const { cursor = '' } = await store.sessions({}, { limit: 1 })
    const lists = [
      (after: string, limit?: number) => store.payments({}, { after, limit }),
      (after: string, limit?: number) => store.delegations({}, { after, limit }),
      (after: string, limit?: number) => store.audit({ after, limit }),
    ]
    const bad = ['', ' ', '0', '-1', 'x'.repeat(5_000), `${cursor}A`, cursor, "' OR 1=1 --"]
    for (const list of lists) {
      for (const after of bad) expect(await codeOf(list(after))).toBe('invalid_input')
    }
    for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await codeOf(store.sessions({}, { limit }))).toBe('invalid_input')
    }
  })
}
