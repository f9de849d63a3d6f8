import type { Store } from '../../ports/store.ts'
import { hashOf, reserveOf } from './samples.ts'

/** What a process is told to do with its store: to reserve, again and again. */
export interface StoreWork {
  readonly session: string
  /** Begins the name of each reservation's key: processes with the same name want the same keys. */
  readonly name: string
  readonly commits: number
  readonly atOnce: number
}

/** What a process says of each commit that has resolved. */
export interface StoreWorkDone {
  readonly key: string
  readonly result: string
}

/**
 * The whole of a script that `testStore` starts as a process of its own, over the place of a test: it
 * opens the store there, does what it is told, and says so.
 *
 * @example
 * // store-script.ts
 * await storeProcess((place) => sqliteStore({ path: place }))
 */
export async function storeProcess(open: (place: string) => Store): Promise<void> {
  const [place = '', work] = process.argv.slice(2)
  const store = open(place)
  await store.read({})
  if (work !== undefined) await reserveAll(store, JSON.parse(work) as StoreWork)
  await store.close()
}

async function reserveAll(store: Store, work: StoreWork): Promise<void> {
  const { session, name, commits, atOnce } = work
  let begun = 0
  const reserve = async (): Promise<void> => {
    while (begun < commits) {
      begun += 1
      const key = hashOf(`${name} ${begun}`)
      // The two ways to commit take turns: both are durable when they have resolved.
      const when = begun % 3 === 0 ? 'soon' : 'now'
      const result = await store.commit({ session, key }, reserveOf(1n, key), when)
      process.send?.({ key, result } satisfies StoreWorkDone)
      // Everybody's answers are sent before anybody goes on.
      await new Promise(setImmediate)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, reserve))
}
