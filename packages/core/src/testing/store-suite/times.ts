import { sessionEnd } from '../../ledger/session.ts'
import type { Store } from '../../ports/store.ts'
import { type StoreTest, trailOf } from './bench.ts'
import { note, plant, sampleDelegation, sampleSession } from './samples.ts'

/** Runs a commit, and returns the `now` of its change and its record. */
function nowOf(store: Store): Promise<number> {
  return store.commit({}, (_, now) => ({ result: now, events: [note('now')] }), 'now')
}

/** Tests that commits share one clock, which never runs back. */
export function testTimes({ test, expect }: StoreTest): void {
  test('hands the time of its clock to a change, and records it', async ({ store, clock }) => {
    clock.set(1_900_000_000_123)
    expect(await nowOf(store)).toBe(1_900_000_000_123)
    expect(store.now()).toBe(1_900_000_000_123)
    expect((await trailOf(store)).map((record) => record.at)).toEqual([1_900_000_000_123])
  })
  test('a session ends exactly on the boundary', async ({ store, clock }) => {
    const delegation = sampleDelegation()
    const session = sampleSession(delegation.id, { expiresAt: clock() + 1_000 })
    await plant(store, delegation, session)
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
    await nowOf(store)
    const other = await open()
    clock.set(late - 4_000)
    expect(await nowOf(store)).toBe(late)
    expect(await nowOf(other)).toBe(late)
    await store.close()
    await other.close()
    const reopened = await open()
    expect(await nowOf(reopened)).toBe(late)
    clock.set(late + 1)
    expect(await nowOf(reopened)).toBe(late + 1)
  })
}
