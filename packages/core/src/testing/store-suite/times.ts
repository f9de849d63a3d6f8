import { sessionEnd } from '../../ledger/session.ts'
import type { Store } from '../../ports/store.ts'
import { benchTrailOf, type StoreTest } from './bench.ts'
import { plantSample, sampleDelegation, sampleNote, sampleSession } from './samples.ts'

/** Runs a commit, and returns the `now` of its change and its record. */
function currentTimeOf(store: Store): Promise<number> {
  return store.commit({}, (_, now) => ({ result: now, events: [sampleNote('now')] }), 'now')
}

/** Tests that commits share one clock, which never runs back. */
export function testTimes({ test, expect }: StoreTest): void {
  test('hands the time of its clock to a change, and records it', async ({ store, clock }) => {
    clock.set(1_900_000_000_123)
    expect(await currentTimeOf(store)).toBe(1_900_000_000_123)
    expect(store.now()).toBe(1_900_000_000_123)
    expect((await benchTrailOf(store)).map((record) => record.at)).toEqual([1_900_000_000_123])
  })
  test('a session ends exactly on the boundary', async ({ store, clock }) => {
    const delegation = sampleDelegation()
    const session = sampleSession(delegation.id, { expiresAt: clock() + 1_000 })
    await plantSample(store, delegation, session)
    const endOf = (): Promise<unknown> =>
      store.commit(
        { session: session.id },
        (state, now) => ({ result: state.session && sessionEnd(state.session, now), events: [] }),
        'now',
      )
    clock.advance(999)
    expect(await endOf()).toBe(undefined)
    clock.advance(1)
    expect(await endOf()).toBe('session_expired')
  })
  test('never runs back, whichever handle asks', async ({ store, clock, open }) => {
    const late = clock() + 5_000
    clock.set(late)
    await currentTimeOf(store)
    const other = await open()
    clock.set(late - 4_000)
    expect(await currentTimeOf(store)).toBe(late)
    expect(await currentTimeOf(other)).toBe(late)
    await store.close()
    await other.close()
    const reopened = await open()
    expect(await currentTimeOf(reopened)).toBe(late)
    clock.set(late + 1)
    expect(await currentTimeOf(reopened)).toBe(late + 1)
  })
}
