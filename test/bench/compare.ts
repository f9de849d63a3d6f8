/**
 * Compares the speed of the work tree with that of an earlier commit, in one run:
 * `pnpm bench:compare c0d1fb1 --only sqlite --rounds 5`. The commit is checked out and installed in a
 * folder of its own; both take turns, so that the machine's mood meets both. Prints each line's median
 * before and now, and how much better or worse now is. It ends with 0 whatever the figures are.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { root, runCommand } from '../check/command.ts'
import { median } from './median.ts'

/** The version of pnpm that the README names. */
const PNPM = ['-y', 'pnpm@12']

const lineSchema = z.object({
  target: z.string(),
  value: z.number(),
  direction: z.enum(['atLeast', 'atMost']),
})

type Line = z.output<typeof lineSchema>

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true, default: ['sqlite'] },
    quick: { type: 'boolean', default: false },
  },
})
const [commit] = positionals
if (commit === undefined) throw new RangeError('Name the commit to compare with, such as HEAD~1.')
if (!/^[1-9][0-9]?$/.test(options.rounds)) throw new RangeError('--rounds takes 1 to 99.')
const benchArguments = [
  ...['--json', '--rounds', '1', ...(options.quick ? ['--quick'] : [])],
  ...options.only.flatMap((name) => ['--only', name]),
]

const folder = join(await mkdtemp(join(tmpdir(), 'bursar-compare-')), 'before')
try {
  await runCommand('git', ['worktree', 'add', '--detach', folder, commit])
  await runCommand('npx', [...PNPM, 'install', '--frozen-lockfile'], folder)
  const before: Line[][] = []
  const now: Line[][] = []
  for (let round = 1; round <= Number(options.rounds); round++) {
    before.push(await measure(folder))
    now.push(await measure(root))
    console.error(`round ${round} of ${options.rounds} is measured`)
  }
  printComparison(before, now)
} finally {
  await runCommand('git', ['worktree', 'remove', '--force', folder])
  await rm(join(folder, '..'), { recursive: true, force: true })
}

/** Runs the benchmark of a checkout once, and returns its lines. */
async function measure(checkout: string): Promise<Line[]> {
  const output = await runCommand('npx', [...PNPM, 'bench', ...benchArguments], checkout)
  const lines = output.split('\n').filter((line) => line.startsWith('{'))
  return lines.map((line) => lineSchema.parse(JSON.parse(line)))
}

function printComparison(before: readonly Line[][], now: readonly Line[][]): void {
  console.log(`${'line'.padEnd(62)}${'before'.padStart(10)}${'now'.padStart(10)}   now ÷ before`)
  for (const { target, direction } of now[0] ?? []) {
    const [old, current] = [medianOf(before, target), medianOf(now, target)]
    const wanted = direction === 'atLeast' ? 'more is better' : 'less is better'
    const figures = [old, current].map((figure) => `${Number(figure.toPrecision(3))}`.padStart(10))
    console.log(
      `${target.padEnd(62)}${figures.join('')}   ${(current / old).toFixed(2)} (${wanted})`,
    )
  }
}

function medianOf(rounds: readonly Line[][], target: string): number {
  return median(
    rounds
      .flatMap((lines) => lines.filter((line) => line.target === target))
      .map(({ value }) => value),
  )
}
