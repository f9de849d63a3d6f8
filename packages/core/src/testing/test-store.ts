import type { Store } from '../ports/store.ts'
import { manualClock } from './manual-clock.ts'
import { testApprovals } from './store-suite/approvals.ts'
import type { Bench, StoreTest } from './store-suite/bench.ts'
import { testCommits } from './store-suite/commits.ts'
import { testHandles } from './store-suite/handles.ts'
import { testLimits } from './store-suite/limits.ts'
import { testLists } from './store-suite/lists.ts'
import { testNouns } from './store-suite/nouns.ts'
import { processes, testProcesses } from './store-suite/processes.ts'
import { testRemovals } from './store-suite/removals.ts'
import { testScopes } from './store-suite/scopes.ts'
import { testTimes } from './store-suite/times.ts'
import type { TestRunner } from './test-runner.ts'

/** A place where a store keeps its data: empty, and made anew for each test. */
export interface StoreWorld {
  /** Opens one more handle on the same data; the suite closes all of them. */
  open(clock: () => number): Promise<Store>
  /** What the store's script needs to open a handle in another process. */
  readonly place: string
}

/**
 * The conformance suite of the store seam: what every store has to keep for the core to be right.
 *
 * `script` is the path of a file that calls `storeProcess`: the suite starts it for what needs processes
 * of their own, and kills one in the middle of commits. A store whose data no other process can reach
 * has none.
 *
 * @example
 * testStore('sqliteStore', async () => {
 *   const path = await emptyFile()
 *   return { place: path, open: async (clock) => sqliteStore({ path, clock }) }
 * }, { describe, test, expect }, fileURLToPath(import.meta.resolve('./store-script.ts')))
 */
export function testStore(
  name: string,
  makeWorld: () => Promise<StoreWorld>,
  { describe, test, expect }: TestRunner,
  script: string | 'one_process_only',
): void {
  const places = new WeakMap<Bench, string>()
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
          const bench: Bench = { store: await open(), clock, open }
          places.set(bench, world.place)
          await run(bench)
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
    testRemovals(suite)
    testHandles(suite)
    if (script === 'one_process_only') return
    testProcesses(suite, (bench) => processes(script, places.get(bench) ?? ''))
  })
}
