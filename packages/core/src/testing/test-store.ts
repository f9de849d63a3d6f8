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

/** An empty place for a store's data, made anew for each test. */
export interface StoreWorld {
  /** Opens one more handle on this data. The suite closes every handle. */
  open(clock: () => number): Promise<Store>
  /** The text by which the store's script opens a handle in another process, such as a path. */
  readonly place: string
}

/**
 * Defines the conformance suite of a store: the promises that the core relies on.
 *
 * `script` is the path of a file that calls `storeProcess`. The suite starts it as processes over the data of a
 * test, and kills one during commits. Pass `one_process_only` for a store whose data other processes can't
 * reach.
 *
 * @example
 * ```ts
 * import { fileURLToPath } from 'node:url'
 * import { describe, expect, test } from 'vitest'
 *
 * const script = fileURLToPath(import.meta.resolve('./store-script.ts'))
 * testStore('sqliteStore', makeStoreWorld, { describe, test, expect }, script)
 * ```
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
