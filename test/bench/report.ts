import type { Round, Target } from './bench.ts'
import { median } from './median.ts'

/** The result for one target, printed as one line of `--json`. */
export interface Line {
  readonly target: string
  readonly value: number
  readonly goal: number
  readonly direction: Target['direction']
  readonly reached: boolean
}

/** The number of digits that are printed: more are noise. */
const DIGITS = 3

const NAME_WIDTH = 62
const COLUMN_WIDTH = 10

/** Returns the median of the rounds for a target. Throws if a round did not measure it. */
export function lineOf({ name, goal, direction }: Target, rounds: readonly Round[]): Line {
  const value = rounded(median(rounds.map(({ values }) => values[name] ?? Number.NaN)))
  if (!Number.isFinite(value)) throw new Error(`${name} was not measured.`)
  const reached = direction === 'atLeast' ? value >= goal : value <= goal
  return { target: name, value, goal, direction, reached }
}

/** Formats a result for people: the median, its range and its goal. */
export function rowOf(line: Line, rounds: readonly Round[]): string {
  const goal = `${line.direction === 'atLeast' ? '≥' : '≤'} ${line.goal}`
  return [
    line.target.padEnd(NAME_WIDTH),
    String(line.value).padStart(COLUMN_WIDTH),
    goal.padStart(COLUMN_WIDTH),
    `  ${line.reached ? 'reached' : 'NOT REACHED'}`.padEnd(COLUMN_WIDTH + 4),
    `(${rangeOf(line, rounds)})`,
  ].join('')
}

/** Formats the medians of the yardsticks, one row each. */
export function yardstickRows(rounds: readonly Round[]): readonly string[] {
  return yardsticksOf(rounds).map(
    ([name, figure]) => `  ${name}`.padEnd(NAME_WIDTH) + String(figure).padStart(COLUMN_WIDTH),
  )
}

/** Formats the tables of docs/design/performance.md: of the targets and of the yardsticks. */
export function markdownOf(measured: readonly (readonly [Line, readonly Round[]])[]): string {
  const targets = measured.map(([line, rounds]) => {
    const goal = `${line.direction === 'atLeast' ? '≥' : '≤'} ${line.goal}`
    const reached = line.reached ? 'reached' : '**not reached**'
    return `| ${line.target} | ${line.value} | ${rangeOf(line, rounds)} | ${goal} | ${reached} |`
  })
  const yardsticks = [...new Set(measured.map(([, rounds]) => rounds))].flatMap((rounds) =>
    yardsticksOf(rounds).map(([name, figure]) => `| ${name} | ${figure} |`),
  )
  return [
    '| line | median | range | goal | |',
    '| --- | --- | --- | --- | --- |',
    ...targets,
    '',
    '| yardstick | median |',
    '| --- | --- |',
    ...yardsticks,
  ].join('\n')
}

function yardsticksOf(rounds: readonly Round[]): readonly (readonly [string, number])[] {
  const names = Object.keys(rounds[0]?.yardsticks ?? {})
  return names.map((name) => {
    const figures = rounds.map(({ yardsticks }) => yardsticks[name] ?? Number.NaN)
    return [name, rounded(median(figures))]
  })
}

function rangeOf({ target }: Line, rounds: readonly Round[]): string {
  const values = rounds.map(({ values }) => values[target] ?? Number.NaN)
  return `${rounded(Math.min(...values))}–${rounded(Math.max(...values))}`
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS))
}
