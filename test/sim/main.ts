/**
 * Simulates guards that pay while everything around them fails: `pnpm sim --seed 7 --steps 1000`.
 * `--seeds 50` goes on with the next ones, `--trace` prints everything that happened, `--bug name`
 * plants a bug. Ends with 1 where a rule was broken.
 */
import { parseArgs } from 'node:util'
import { bugs } from './bugs.ts'
import { report } from './report.ts'
import { simulate } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '1000' },
    seeds: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    bug: { type: 'string' },
  },
})
const bug = bugs.find(({ name }) => name === values.bug)
if (values.bug !== undefined && !bug) {
  throw new RangeError(`There is no bug called so. There are: ${bugs.map(({ name }) => name)}`)
}
const first = wholeNumber('seed', values.seed)
const steps = wholeNumber('steps', values.steps)
const last = first + wholeNumber('seeds', values.seeds)
for (let seed = first; seed < last; seed += 1) {
  const simulation = await simulate({ seed, steps, bug })
  if (values.trace) console.log(simulation.trace.join('\n'))
  console.log(report(simulation))
  if (simulation.violation) process.exitCode = 1
}

function wholeNumber(name: string, text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text)
  throw new RangeError(`--${name} has to be a whole number, not ${text}.`)
}
