/**
 * Measures the table of targets of docs/design/performance.md: `pnpm bench`, `pnpm bench --json`, and
 * `pnpm bench --markdown` for that page.
 * `--rounds 9` takes more rounds, `--only sqlite` one bench, `--quick` sizes that show only that
 * everything runs. It ends with 0 whether the targets are reached or not: figures are no test.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { auditBench } from './audit-bench.ts'
import type { Bench, Plan, Round } from './bench.ts'
import { guardedBench } from './guarded-bench.ts'
import { importBench } from './import-bench.ts'
import { postgresBench } from './postgres-bench.ts'
import { type Line, lineOf, markdownOf, rowOf, yardstickRows } from './report.ts'
import { serverBench } from './server-bench.ts'
import { sessionBench } from './session-bench.ts'
import { sqliteBench } from './sqlite-bench.ts'

/** The default number of rounds: enough that one disturbed round does not move the median. */
const DEFAULT_ROUNDS = '3'

const benches: readonly Bench[] = [
  sqliteBench,
  postgresBench,
  guardedBench,
  auditBench,
  sessionBench,
  serverBench,
  importBench,
]

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: DEFAULT_ROUNDS },
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    folder: { type: 'string', default: tmpdir() },
  },
})
const { quick, json, markdown, only } = options
if (!/^[1-9][0-9]{0,2}$/.test(options.rounds)) throw new RangeError('--rounds takes 1 to 999.')
const chosen = benches.filter(({ name }) => only?.includes(name) ?? true)
if (chosen.length === 0) throw new RangeError(`--only takes ${benches.map(({ name }) => name)}.`)
const measured: (readonly [Line, readonly Round[]])[] = []
for (const bench of chosen) {
  const folder = await mkdtemp(join(options.folder, 'bursar-bench-'))
  try {
    print(bench, await measure(bench, { rounds: Number(options.rounds), quick, folder }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

if (markdown) console.log(markdownOf(measured))

/** Measures a benchmark. The first round warms up and is not counted. */
async function measure(bench: Bench, plan: Plan): Promise<readonly Round[]> {
  const running = await bench.open(plan)
  try {
    if (!plan.quick) await running.round()
    const rounds: Round[] = []
    while (rounds.length < plan.rounds) rounds.push(await running.round())
    return rounds
  } finally {
    await running.close()
  }
}

function print({ targets }: Bench, rounds: readonly Round[]): void {
  for (const target of targets) {
    const line = lineOf(target, rounds)
    measured.push([line, rounds])
    if (!markdown) console.log(json ? JSON.stringify(line) : rowOf(line, rounds))
  }
  if (!json && !markdown) console.log(yardstickRows(rounds).join('\n'))
}
