import { fakePaidWorld, testAdapter } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { describe, expect, test } from 'vitest'
import { agents } from '../../../adapters/langchain/test/scripted-agent.ts'
import { serviceReach } from '../test/service-reach.ts'

/** The agent of the present version alone: what differs between the two is not the session. */
for (const agent of agents.filter(({ version }) => version === 'v2')) {
  testAdapter(
    'connect, with @bursar/langchain,',
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
