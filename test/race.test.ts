import { expect, test } from 'vitest'
import { storeKinds } from './places/store-place.ts'
import { race } from './race/race.ts'

/** The number of rounds, in which each kind of budget has its turn. `pnpm test:race` runs 20. */
const ROUNDS = 4

/** The time limit of a round, which takes about a second on an idle machine. */
const BUDGET_MS = 120_000

test.each(storeKinds)(
  'three processes with 64 payers each pay exactly what fits (%s)',
  async (kind) => {
    const size = { kind, reach: 'embedded', processes: 3, payers: 64, rounds: ROUNDS } as const
    expect(await race(size)).toEqual([])
  },
  BUDGET_MS,
)

test.each(storeKinds)(
  'two servers with 64 clients each pay exactly what fits (%s)',
  async (kind) => {
    const size = { kind, reach: 'service', processes: 2, payers: 64, rounds: 2 } as const
    expect(await race(size)).toEqual([])
  },
  BUDGET_MS,
)
