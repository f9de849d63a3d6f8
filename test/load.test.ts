import { expect, test } from 'vitest'
import { load } from './load/load.ts'
import { storeKinds } from './places/store-place.ts'

/** The short duration of this test. `pnpm test:load` runs for minutes. */
const FOR_MS = 4_000

/** The time limit, most of which servers take to start and restart. */
const BUDGET_MS = 120_000

test.each(storeKinds)(
  'under load with restarts, clients, ledger and chain agree on every payment (%s)',
  async (kind) => {
    const report = await load({ kind, forMs: FOR_MS, clients: 6, restartEveryMs: 1_000 })
    expect(report.problems).toEqual([])
    expect(report.answers.paid).toBeGreaterThan(0)
    expect(report.restarts.SIGKILL).toBeGreaterThan(0)
  },
  BUDGET_MS,
)
