import type { Store } from '../../ports/store.ts'
import { reserveSample, sampleHashOf } from './samples.ts'

/** The orders of a process that reserves repeatedly. */
export interface StoreWork {
  readonly session: string
  /** The prefix of each reservation's key. Processes with one prefix compete for the same keys. */
  readonly name: string
  readonly commits: number
  readonly atOnce: number
}

/** The report of a process after each commit. */
export interface StoreWorkDone {
  readonly key: string
  readonly result: string
}

/**
 * Runs the process that `testStore` starts over the place of a test: opens the store, carries out the orders,
 * and reports each commit. Call it as the only statement of a script.
 *
 * @example
 * ```ts
 * import { sqliteStore } from '@bursar/store-sqlite'
 *
 * await storeProcess((place) => sqliteStore({ path: place }))
 * ```
 */
export async function storeProcess(open: (place: string) => Store): Promise<void> {
  const [place = '', work] = process.argv.slice(2)
  const store = open(place)
  await store.read({})
  if (work !== undefined) await reserveAllInStore(store, JSON.parse(work) as StoreWork)
  await store.close()
}

async function reserveAllInStore(store: Store, work: StoreWork): Promise<void> {
  const { session, name, commits, atOnce } = work
  let begun = 0
  const reserve = async (): Promise<void> => {
    while (begun < commits) {
      begun += 1
      const key = sampleHashOf(`${name} ${begun}`)
      // The two ways to commit take turns: both are durable when they have resolved.
      const when = begun % 3 === 0 ? 'soon' : 'now'
      const result = await store.commit({ session, key }, reserveSample(1n, key), when)
      process.send?.({ key, result } satisfies StoreWorkDone)
      // Everybody's answers are sent before anybody goes on.
      await new Promise(setImmediate)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, reserve))
}
