/**
 * Races many payers in three processes for one budget, on both stores, each process with a guard and with
 * a server: `pnpm test:race`.
 * `--rounds 20`, `--payers 64`, `--processes 3` and `--store sqlite` change how much; ends with 1
 * where more or fewer than fit were paid.
 */
import { parseArgs } from 'node:util'
import { storeKinds } from '../places/store-place.ts'
import { race, reaches } from './race.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    payers: { type: 'string', default: '64' },
    processes: { type: 'string', default: '3' },
    store: { type: 'string' },
  },
})
const kinds = storeKinds.filter((kind) => values.store === undefined || values.store === kind)
if (kinds.length === 0) throw new RangeError(`--store is one of ${storeKinds}.`)
const size = {
  rounds: wholeNumber('rounds', values.rounds),
  payers: wholeNumber('payers', values.payers),
  processes: wholeNumber('processes', values.processes),
}
for (const [kind, reach] of kinds.flatMap((one) => reaches.map((way) => [one, way] as const))) {
  const problems = await race({ ...size, kind, reach }, (line) => console.log(line))
  for (const problem of problems) console.error(problem)
  console.log(
    `${kind}, ${reach}: ${problems.length === 0 ? 'every limit held exactly' : 'A LIMIT DID NOT HOLD'}`,
  )
  if (problems.length > 0) process.exitCode = 1
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text)
  throw new RangeError(`--${name} has to be a whole number from 1, not ${text}.`)
}
