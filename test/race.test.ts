import { expect, test } from 'vitest'
import { storeKinds } from './places/store-place.ts'
import { race } from './race/race.ts'

/** `pnpm test:race` runs 20; each kind of budget has its turn in the first four. */
const ROUNDS = 4

/** A round takes about a second; longer where the machine has more to do. */
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
