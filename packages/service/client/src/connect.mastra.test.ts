import { fakePaidWorld, testAdapter } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { describe, expect, test } from 'vitest'
import { agents } from '../../../adapters/mastra/test/scripted-agent.ts'
import { serviceReach } from '../test/service-reach.ts'

for (const agent of agents.filter(({ loop }) => loop === 'stream')) {
  testAdapter(
    'connect, with @bursar/mastra,',
    async () => ({
      agent,
      world: fakePaidWorld({
        store: (clock) => sqliteStore({ path: ':memory:', clock }),
        reach: serviceReach,
      }),
    }),
    { describe, test, expect },
  )
}
