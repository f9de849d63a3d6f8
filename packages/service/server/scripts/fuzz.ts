import { parseArgs } from 'node:util'
import { fuzz } from '../test/fuzz.ts'

/**
 * The number of requests that the fuzzer sends if `--requests` is not given. It exits with 1 at the
 * first failure.
 */
const DEFAULT_REQUESTS = '100000'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: DEFAULT_REQUESTS },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
  },
})
const startedAt = performance.now()
const report = await fuzz(Number(values.requests), Number(values.seed))
const seconds = Math.round((performance.now() - startedAt) / 1_000)
console.log(`${report.requests} requests with seed ${values.seed} in ${seconds} s, no failure`)
console.log(
  Object.entries(report.statuses)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', '),
)
