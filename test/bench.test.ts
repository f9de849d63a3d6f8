import { expect, test } from 'vitest'
import { auditBench } from './bench/audit-bench.ts'
import type { Bench, Round } from './bench/bench.ts'
import { guardedBench } from './bench/guarded-bench.ts'
import { median } from './bench/median.ts'
import { lineOf } from './bench/report.ts'
import { sessionBench } from './bench/session-bench.ts'
import { sqliteBench } from './bench/sqlite-bench.ts'
import { runCommand } from './check/command.ts'

/** The benchmarks that start no server and build no package: together they take a few seconds. */
const benches: readonly Bench[] = [sqliteBench, guardedBench, auditBench, sessionBench]

test('the benchmark runs, and prints one object a line for each target', async () => {
  const only = benches.flatMap(({ name }) => ['--only', name])
  const args = ['test/bench/main.ts', '--quick', '--rounds', '1', '--json', ...only]
  const printed = await runCommand('node', args)
  const lines = printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines).toEqual(
    benches
      .flatMap(({ targets }) => targets)
      .map(({ name, goal, direction }) => ({
        target: name,
        value: expect.any(Number),
        goal,
        direction,
        reached: expect.any(Boolean),
      })),
  )
})

test('a target is reached at its goal, and missed beyond it', () => {
  const rounds = [1, 3, 2].map((value): Round => ({ values: { speed: value }, yardsticks: {} }))
  const reached = (direction: 'atLeast' | 'atMost', goal: number): boolean =>
    lineOf({ name: 'speed', goal, direction }, rounds).reached
  expect([reached('atLeast', 2), reached('atLeast', 2.1)]).toEqual([true, false])
  expect([reached('atMost', 2), reached('atMost', 1.9)]).toEqual([true, false])
  expect(lineOf({ name: 'speed', goal: 2, direction: 'atLeast' }, rounds).value).toBe(2)
})

test('what was not measured is no figure', () => {
  const target = { name: 'speed', goal: 2, direction: 'atLeast' } as const
  expect(() => lineOf(target, [{ values: {}, yardsticks: {} }])).toThrow('speed was not measured')
})

test('a median is the middle, or what is between the two middle ones', () => {
  expect([median([9, 1, 2]), median([4, 1, 2, 9]), median([5])]).toEqual([2, 3, 5])
})
