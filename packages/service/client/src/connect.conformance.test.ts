import { fakePaidWorld, testAdapter } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { describe, expect, test } from 'vitest'
import { agents } from '../../../adapters/ai-sdk/test/scripted-agent.ts'
import { serviceReach } from '../test/service-reach.ts'

/** An adapter over HTTP keeps every promise that it keeps with the guard in its own process. */

const store = (clock: () => number) => sqliteStore({ path: ':memory:', clock })
const loops = agents.filter(({ version, loop }) => loop === (version === 7 ? 'stream' : 'generate'))
for (const agent of loops) {
  testAdapter(
    `connect, with @bursar/ai-sdk under ${agent.loop} of version ${agent.version},`,
    async () => ({ agent, world: fakePaidWorld({ store, reach: serviceReach }) }),
    { describe, test, expect },
  )
}
