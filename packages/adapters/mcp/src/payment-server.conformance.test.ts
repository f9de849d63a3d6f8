import { fakePaidWorld, testAdapter } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { describe, expect, test } from 'vitest'
import { aiSdkExceptions, exceptions } from '../test/exceptions.ts'
import { officialAgent } from '../test/official-agent.ts'
import { agent as aiSdkAgent } from '../test/scripted-agent.ts'

const agents = [
  ['paymentServer under the AI SDK and its client of MCP', aiSdkAgent, aiSdkExceptions],
  ['paymentHandler under the official client of MCP', officialAgent, exceptions],
] as const

for (const [name, agent, except] of agents) {
  testAdapter(
    name,
    async () => ({
      agent,
      world: fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) }),
    }),
    { describe, test, expect },
    except,
  )
}
