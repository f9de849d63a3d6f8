import { fakePaidWorld, testAdapter } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { describe, expect, test } from 'vitest'
import { agents } from '../test/scripted-agent.ts'

const exceptions = {
  'pays what was agreed to, and nothing else of the same step':
    'Mastra carries out the calls of a step one after the other, and asks one question at a time.',
}

for (const agent of agents) {
  testAdapter(
    `paymentTools under ${agent.loop} of Mastra`,
    async () => ({
      agent,
      world: fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) }),
    }),
    { describe, test, expect },
    exceptions,
  )
}
