import { archivedBody, recordBodyHash } from '../../ledger/audit-record.ts'
import type { Removed } from '../../ledger/ledger-state.ts'
import type { Store } from '../../ports/store.ts'
import { newId } from '../../primitives/id.ts'
import { benchTrailOf, everyRowOnBench, firstBrokenBenchRecord, type StoreTest } from './bench.ts'
import {
  codeOf,
  failureOf,
  plantSample,
  sampleContent,
  sampleDelegation,
  sampleHashOf,
  sampleKey,
  sampleNote,
  samplePayment,
  sampleSession,
} from './samples.ts'

/** Tests that a removal takes exactly the archived session's rows, and that the id can't be used again. */
export function testRemovals(suite: StoreTest): void {
  testRemovedRows(suite)
  testTracesOfRemoval(suite)
}

function testRemovedRows({ test, expect }: StoreTest): void {
  test('removes a session with all that is its own, and nothing of its neighbour', async ({
    store,
    open,
  }) => {
    const planted = await plantTwoForRemoval(store)
    const { gone, child, stays, payments } = planted
    const other = await open()
    await other.read({ session: gone.id })
    await removeFamily(store, { payments: payments.gone, sessions: [child.id, gone.id] })
    for (const handle of [store, other]) {
      const ids = (await everyRowOnBench((page) => handle.sessions({}, page))).map(({ id }) => id)
      expect(ids).toEqual([stays.id])
      const left = await everyRowOnBench((page) => handle.payments({}, page))
      expect(left.map(({ id }) => id)).toEqual(payments.stays)
      expect((await handle.read({ session: gone.id })).session).toBe(undefined)
      expect((await handle.read({ payment: `${payments.gone[0]}` })).payment).toBe(undefined)
      expect(await handle.content(`${payments.gone[0]}`)).toBe(undefined)
      const keyed = await handle.read({ session: stays.id, key: sampleHashOf('key') })
      expect([keyed.key?.payment, keyed.payment?.id]).toEqual([
        payments.stays[0],
        payments.stays[0],
      ])
      expect((await handle.content(`${payments.stays[0]}`))?.status).toBe(200)
    }
  })

  test('what is gone already stays gone', async ({ store, open }) => {
    const { gone, child, stays, payments } = await plantTwoForRemoval(store)
    const removed = { payments: payments.gone, sessions: [child.id, gone.id] }
    for (const handle of [store, await open(), store]) await removeFamily(handle, removed)
    const ids = (await everyRowOnBench((page) => store.sessions({}, page))).map(({ id }) => id)
    expect(ids).toEqual([stays.id])
  })

  test('what was written about it just before goes with it, and disturbs nobody', async ({
    store,
  }) => {
    const { gone, child, stays, payments } = await plantTwoForRemoval(store)
    const key = sampleHashOf('a late key')
    const [late, own] = [sampleKey(gone, key, {}), sampleKey(stays, key, {})]
    const contents = [sampleContent(`${payments.gone[0]}`)]
    const write = (session: string, rows: object) =>
      store.commit(
        { session, key },
        () => ({ result: 0, ...rows, events: [sampleNote('x')] }),
        'now',
      )
    await Promise.all([
      write(gone.id, { keys: [late], contents }),
      write(stays.id, { keys: [own] }),
      removeFamily(store, { payments: payments.gone, sessions: [child.id, gone.id] }),
    ])
    expect(await store.read({ session: gone.id, key })).toEqual({ ancestors: [] })
    expect((await store.read({ session: stays.id, key })).key).toEqual(own)
  })

  test('a removed payment is no twin of a request any more', async ({ store }) => {
    const { gone, child, payments, delegation } = await plantTwoForRemoval(store)
    const scope = { delegation: delegation.id, requestHash: sampleHashOf('request of gone') }
    expect((await store.read(scope)).twin?.id).toBe(payments.gone[0])
    await removeFamily(store, { payments: payments.gone, sessions: [child.id, gone.id] })
    expect((await store.read(scope)).twin).toBe(undefined)
  })

  test('pages go on behind what was removed', async ({ store }) => {
    const { gone, child, payments } = await plantTwoForRemoval(store)
    const page = await store.payments({}, { limit: 1 })
    expect(page.rows.map(({ id }) => id)).toEqual(payments.gone)
    await removeFamily(store, { payments: payments.gone, sessions: [child.id, gone.id] })
    const next = await store.payments({}, { after: page.cursor })
    expect(next.rows.map(({ id }) => id)).toEqual(payments.stays)
  })
}

/** Tests the rows that stay after a removal. */
function testTracesOfRemoval({ test, expect }: StoreTest): void {
  test('the id of a removed session is never used again', async ({ store, open }) => {
    const { gone, child, payments, delegation } = await plantTwoForRemoval(store)
    await removeFamily(store, { payments: payments.gone, sessions: [child.id, gone.id] })
    const other = await open()
    for (const { id } of [gone, child]) {
      const again = sampleSession(delegation.id, { id })
      const change = { result: 0, sessions: [again], events: [sampleNote('again')] }
      expect((await failureOf(other.commit({}, () => change, 'now'))) === undefined).toBe(false)
      expect((await other.read({ session: id })).session).toBe(undefined)
    }
    const fresh = sampleSession(delegation.id)
    const change = { result: 0, sessions: [fresh], events: [sampleNote('fresh')] }
    await other.commit({}, () => change, 'now')
    expect((await other.read({ session: fresh.id })).session?.id).toBe(fresh.id)
  })

  test('a record loses its body, and the chain stays whole', async ({ store, open }) => {
    await plantTwoForRemoval(store)
    const before = await benchTrailOf(store)
    const [first] = before
    if (!first) throw new Error('The suite has written a record.')
    const left = { session: 'ses_1', archive: 'ses_1', sha256: recordBodyHash(first.body) }
    const body = archivedBody(left)
    await removeFamily(store, { records: [{ seq: first.seq, body }] })
    for (const handle of [store, await open()]) {
      const trail = await benchTrailOf(handle)
      expect(trail[0]).toEqual({ ...first, body })
      expect(trail.slice(1, before.length)).toEqual(before.slice(1))
      expect(firstBrokenBenchRecord(trail)).toBe(0)
    }
  })

  test('a removal without a record is refused', async ({ store }) => {
    const { payments } = await plantTwoForRemoval(store)
    const change = { result: 0, removed: { ...nothing, payments: payments.gone }, events: [] }
    expect(await codeOf(store.commit({}, () => change, 'now'))).toBe('invariant_broken')
    expect((await store.read({ payment: `${payments.gone[0]}` })).payment?.id).toBe(
      payments.gone[0],
    )
  })
}

const nothing: Removed = { records: [], payments: [], approvals: [], sessions: [] }

/** Writes a session to be removed, its child, and one that stays, each with a payment, a key and content. */
async function plantTwoForRemoval(store: Store) {
  const delegation = sampleDelegation()
  const gone = sampleSession(delegation.id)
  const child = sampleSession(delegation.id, { parent: gone.id })
  const stays = sampleSession(delegation.id)
  await plantSample(store, delegation, gone, child, stays)
  const both = [gone, stays].map((session, index) => {
    const key = sampleHashOf('key')
    const request = sampleHashOf(`request of ${index === 0 ? 'gone' : 'stays'}`)
    const state = 'settled' as const
    const payment = samplePayment(session, { id: newId('pay'), key, state }, request)
    return { payment, key: sampleKey(session, key, { payment: payment.id }) }
  })
  await store.commit(
    {},
    () => ({
      result: 0,
      payments: both.map(({ payment }) => payment),
      keys: both.map(({ key }) => key),
      contents: both.map(({ payment }) => sampleContent(payment.id)),
      events: [sampleNote('planted')],
    }),
    'now',
  )
  const [first, second] = both.map(({ payment }) => payment.id)
  const payments = { gone: [`${first}`], stays: [`${second}`] }
  return { delegation, gone, child, stays, payments }
}

async function removeFamily(store: Store, removed: Partial<Removed>): Promise<void> {
  const change = { result: 0, removed: { ...nothing, ...removed }, events: [sampleNote('removed')] }
  await store.commit({}, () => change, 'now')
}
