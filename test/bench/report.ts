import type { Round, Target } from './bench.ts'
import { median } from './median.ts'

/** What became of a target: one line of `--json`. */
export interface Line {
  readonly target: string
  readonly value: number
  readonly goal: number
  readonly direction: Target['direction']
  readonly reached: boolean
}

/** More digits than this are noise. */
const DIGITS = 3

const NAME_WIDTH = 62
const COLUMN_WIDTH = 10

/** The median of the rounds, beside its target. Throws where a round did not measure it. */
export function lineOf({ name, goal, direction }: Target, rounds: readonly Round[]): Line {
  const value = rounded(median(rounds.map(({ values }) => values[name] ?? Number.NaN)))
  if (!Number.isFinite(value)) throw new Error(`${name} was not measured.`)
  const reached = direction === 'atLeast' ? value >= goal : value <= goal
  return { target: name, value, goal, direction, reached }
}

/** A line for people: the median, the range that it comes from, and its goal. */
export function rowOf(line: Line, rounds: readonly Round[]): string {
  const values = rounds.map(({ values }) => values[line.target] ?? Number.NaN)
  const range = `${rounded(Math.min(...values))}–${rounded(Math.max(...values))}`
  const goal = `${line.direction === 'atLeast' ? '≥' : '≤'} ${line.goal}`
  return [
    line.target.padEnd(NAME_WIDTH),
    String(line.value).padStart(COLUMN_WIDTH),
    goal.padStart(COLUMN_WIDTH),
    `  ${line.reached ? 'reached' : 'NOT REACHED'}`.padEnd(COLUMN_WIDTH + 4),
    `(${range})`,
  ].join('')
}

/** The medians of the yardsticks, one row each. */
export function yardstickRows(rounds: readonly Round[]): readonly string[] {
  const names = Object.keys(rounds[0]?.yardsticks ?? {})
  return names.map((name) => {
    const figure = rounded(median(rounds.map(({ yardsticks }) => yardsticks[name] ?? Number.NaN)))
    return `  ${name}`.padEnd(NAME_WIDTH) + String(figure).padStart(COLUMN_WIDTH)
  })
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS))
}
