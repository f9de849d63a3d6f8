import { setImmediate as nextTurn } from 'node:timers/promises'
import { postgresStore } from '../postgres-store.ts'
import { holdOne, pinKey, sessionId } from './ledger.ts'

/**
 * A process of its own that commits again and again, and says so on its standard output, one line for
 * each commit that has resolved: `held <name>`, `over <name>` or `pinned <name>`.
 *
 * Arguments: the database, the schema, the process's name, the number of commits, how many of them at
 * the same time, and whether each is under a key that the other processes use as well.
 */
const [url = '', schema = '', name = '', commits = '', atOnce = '', keyed = ''] =
  process.argv.slice(2)
const store = postgresStore({ url, schema, connections: 2 })
let begun = 0

async function pay(): Promise<void> {
  while (begun < Number(commits)) {
    begun += 1
    const label = keyed === 'keyed' ? `${begun}` : `${name}-${begun}`
    const result =
      keyed === 'keyed'
        ? await store.commit({ session: sessionId, key: label }, pinKey(name, label), 'now')
        : await store.commit(
            { session: sessionId },
            holdOne(label),
            begun % 3 === 0 ? 'soon' : 'now',
          )
    process.stdout.write(`${result} ${label}\n`)
    await nextTurn()
  }
}

// Without commits, opening is all that is asked for.
await store.read({})
await Promise.all(Array.from({ length: Number(atOnce) }, pay))
await store.close()
