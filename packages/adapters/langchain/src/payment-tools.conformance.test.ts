import { fakePaidWorld, testAdapter } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { describe, expect, test } from 'vitest'
import { agents } from '../test/scripted-agent.ts'

for (const agent of agents) {
  testAdapter(
    `paymentTools in createAgent ${agent.version}`,
    async () => ({
      agent,
      world: fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) }),
    }),
    { describe, test, expect },
  )
}
