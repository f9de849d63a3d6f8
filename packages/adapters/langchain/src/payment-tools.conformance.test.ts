import { fakePaidWorld, testAdapter } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { describe, expect, test } from 'vitest'
import { agents } from '../test/scripted-agent.ts'

const exceptions = {
  'pays what was agreed to, and nothing else of the same step':
    'In v1 one task carries out all calls of a step, and stops with one question at a time.',
}

for (const agent of agents) {
  testAdapter(
    `paymentTools in createAgent ${agent.version}`,
    async () => ({
      agent,
      world: fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) }),
    }),
    { describe, test, expect },
    agent.version === 'v1' ? exceptions : {},
  )
}
