/**
 * Lets clients pay over HTTP while servers are killed and restarted, on SQLite with one server and on
 * PostgreSQL with two: `pnpm test:load`. Half of `--minutes 10` is for each; `--store sqlite` is for one
 * of them alone. `--json` prints one object for each store. Ends with 1 where a payment is not accounted for.
 */
import { parseArgs } from 'node:util'
import { storeKinds } from '../places/store-place.ts'
import { type LoadReport, load } from './load.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    clients: { type: 'string', default: '12' },
    store: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const kinds = storeKinds.filter((kind) => values.store === undefined || values.store === kind)
if (kinds.length === 0) throw new RangeError(`--store is one of ${storeKinds}.`)
const forMs = (wholeNumber('minutes', values.minutes) * 60_000) / kinds.length
const clients = wholeNumber('clients', values.clients)
for (const kind of kinds) {
  const size = { kind, forMs, clients, restartEveryMs: 4_000 }
  const report = await load(size, (line) => console.error(line))
  console.log(values.json ? JSON.stringify(report) : told(report))
  if (report.problems.length > 0) process.exitCode = 1
}

function told(report: LoadReport): string {
  const { kind, servers, seconds, restarts, answers, payments, transfers, unknown } = report
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')
  return [
    `${kind}, ${servers === 1 ? 'one server' : `${servers} servers`}, ${Math.round(seconds)} s`,
    `  ended and started again: ${counts(restarts)}`,
    `  clients were told: ${counts(answers)}`,
    `  the ledger has: ${counts(payments)}; the chain has ${transfers} transfers`,
    `  of what was not certain, ${unknown.paid} were paid and ${unknown.notPaid} were not; ` +
      `${report.askedAgain} of the paid were asked again, and moved no money`,
    ...report.problems.map((problem) => `  NOT ACCOUNTED FOR: ${problem}`),
    report.problems.length === 0
      ? '  every payment is accounted for'
      : '  NOT ALL IS ACCOUNTED FOR',
  ].join('\n')
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text)
  throw new RangeError(`--${name} has to be a whole number from 1, not ${text}.`)
}
