import { describe, expect, test } from 'vitest'
import { bugs } from './bugs.ts'
import { report } from './report.ts'
import { type Simulation, simulate } from './simulation.ts'

/** Steps of a simulation before nothing fails any more. */
const STEPS = 1_000

/** In so many seeds each planted bug has to be found. */
const SEEDS_FOR_A_BUG = 200

/** For all seeds that there are for a bug. */
const BUDGET_MS = 120_000

describe('a planted bug is found', () => {
  test.each(bugs)(
    '$name',
    async (bug) => {
      let found: Simulation | undefined
      for (let seed = 1; !found?.violation && seed <= SEEDS_FOR_A_BUG; seed += 1) {
        found = await simulate({ seed, steps: STEPS, bug })
      }
      expect(found?.violation?.rule).toMatch(bug.rule)
    },
    BUDGET_MS,
  )

  test('and told so that it can be seen again', async () => {
    const bug = bugs.find(({ name }) => name === 'signs before the reservation is durable')
    const told = report(await simulate({ seed: 1, steps: STEPS, bug })).split('\n')
    expect(told.at(-2)).toMatch(/^seed 1, step [0-9]+: L4: something was signed/)
    expect(told.at(-1)).toContain('pnpm sim --seed 1 --steps 1000 --trace')
    expect(told.length).toBeLessThanOrEqual(32)
  })
})
