/**
 * Has a guard in a process of its own read 10,000 raw answers that no server should send: `pnpm test:answers`. Ends
 * with 1 if that process ends, or if a call ends late or with another status.
 */
import { parseArgs } from 'node:util'
import { runAnswers } from './answers.ts'

/** The calls between two lines of progress. */
const PROGRESS_CALLS = 1_000

const { values } = parseArgs({
  options: {
    answers: { type: 'string', default: '10000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    json: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const report = await runAnswers(Number(values.answers), seed, (done) => {
  if (done % PROGRESS_CALLS === 0) console.error(`${done} of ${values.answers} answers`)
})
if (values.json) console.log(JSON.stringify({ seed, ...report }))
else {
  console.log(`${report.answers} answers of seed ${seed}: the process is alive.`)
  for (const [status, count] of Object.entries(report.statuses).toSorted()) {
    console.log(`${status.padEnd(12)} ${`${count}`.padStart(6)}`)
  }
  console.log(`The longest call took ${report.longestMs} ms.`)
}
