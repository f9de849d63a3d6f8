import type { Store } from '../store.ts'
import { manualClock } from './manual-clock.ts'
import { testApprovals } from './store-suite/approvals.ts'
import type { StoreTest } from './store-suite/bench.ts'
import { testCommits } from './store-suite/commits.ts'
import { testHandles } from './store-suite/handles.ts'
import { testLimits } from './store-suite/limits.ts'
import { testLists } from './store-suite/lists.ts'
import { testNouns } from './store-suite/nouns.ts'
import { testScopes } from './store-suite/scopes.ts'
import { testTimes } from './store-suite/times.ts'
import type { TestRunner } from './test-runner.ts'

/** A place where a store keeps its data: empty, and made anew for each test. */
export interface StoreWorld {
  /** Opens one more handle on the same data; the suite closes all of them. */
  open(clock: () => number): Promise<Store>
}

/**
 * The conformance suite of the store seam: what every store has to keep for the core to be right.
 *
 * What needs a process of its own (a crash in the middle of commits, two processes at once) is not
 * in it: every store has to test that itself.
 *
 * @example
 * testStore('sqliteStore', async () => {
 *   const path = await emptyFile()
 *   return { open: async (clock) => sqliteStore({ path, clock }) }
 * }, { describe, test, expect })
 */
export function testStore(
  name: string,
  makeWorld: () => Promise<StoreWorld>,
  { describe, test, expect }: TestRunner,
): void {
  const suite: StoreTest = {
    expect,
    test: (title, run) => {
      test(title, async () => {
        const world = await makeWorld()
        const clock = manualClock()
        const opened: Store[] = []
        const open = async (): Promise<Store> => {
          const store = await world.open(clock)
          opened.push(store)
          return store
        }
        try {
          await run({ store: await open(), clock, open })
        } finally {
          for (const store of opened) await store.close()
        }
      })
    },
  }
  describe(`${name} keeps the promises of a store`, () => {
    testNouns(suite)
    testScopes(suite)
    testCommits(suite)
    testTimes(suite)
    testLists(suite)
    testLimits(suite)
    testApprovals(suite)
    testHandles(suite)
  })
}
