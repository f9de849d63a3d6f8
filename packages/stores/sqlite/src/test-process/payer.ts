import { setImmediate as nextTurn } from 'node:timers/promises'
import { sqliteStore } from '../sqlite-store.ts'
import { holdOne, sessionId } from './ledger.ts'

/**
 * A process of its own that holds one micro-unit again and again, and says so on its standard
 * output, one line for each commit that has resolved: `held <name>` or `over <name>`.
 *
 * Arguments: the file, the process's name, the number of commits, how many of them at the same time.
 */
const [path = '', name = '', commits = '', atOnce = ''] = process.argv.slice(2)
const store = sqliteStore({ path })
let begun = 0

async function pay(): Promise<void> {
  while (begun < Number(commits)) {
    begun += 1
    const label = `${name}-${begun}`
    const when = begun % 3 === 0 ? 'soon' : 'now'
    const result = await store.commit({ session: sessionId }, holdOne(label), when)
    process.stdout.write(`${result} ${label}\n`)
    await nextTurn()
  }
}

await Promise.all(Array.from({ length: Number(atOnce) }, pay))
await store.close()
