import { describe, expect, test } from 'vitest'
import { bugs, type PlantedBug } from './bugs.ts'
import { report } from './report.ts'
import { type Simulation, simulate } from './simulation.ts'
import type { Bug } from './world.ts'

/** The steps of a simulation before its faults end. */
const STEPS = 1_000

/** The number of seeds within which each planted bug must be found. */
const SEEDS_FOR_A_BUG = 200

/** The time limit for all seeds of a bug. */
const BUDGET_MS = 120_000

/** A bug without effect, in the worlds of another bug. */
const unharmed: Bug = { name: 'none', bindingWindows: true }

/** Returns the first simulation in which a bug breaks a rule. */
async function foundIn(bug: PlantedBug): Promise<Simulation | undefined> {
  for (let seed = 1; seed <= SEEDS_FOR_A_BUG; seed += 1) {
    const simulation = await simulate({ seed, steps: STEPS, bug })
    if (simulation.violation) return simulation
  }
  return undefined
}

describe('a planted bug is found', () => {
  test.each(bugs)(
    '$name',
    async (bug) => {
      const found = await foundIn(bug)
      expect(found?.violation?.rule).toMatch(bug.rule)
    },
    BUDGET_MS,
  )

  test('and worlds in which windows bind have none by themselves', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const simulation = await simulate({ seed, steps: STEPS, bug: unharmed })
      if (simulation.violation) expect.fail(report(simulation))
    }
  })

  test('and told so that it can be seen again', async () => {
    const bug = bugs.find(({ name }) => name === 'signs before the reservation is durable')
    const found = bug && (await foundIn(bug))
    if (!found) return expect.fail('nothing was found')
    const told = report(found).split('\n')
    expect(told.at(-2)).toMatch(/^seed [0-9]+, step [0-9]+: L4: something was signed/)
    expect(told.at(-1)).toContain(
      `pnpm sim --seed ${found.seed} --steps ${STEPS} --bug 'signs before the reservation is durable' --trace`,
    )
    expect(told.length).toBeLessThanOrEqual(32)
  })
})
