import { fakePaidWorld, testAdapter } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { describe, expect, test } from 'vitest'
import { exceptions } from '../test/exceptions.ts'
import { agent } from '../test/scripted-agent.ts'

testAdapter(
  'paymentServer under the AI SDK and its client of MCP',
  async () => ({
    agent,
    world: fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) }),
  }),
  { describe, test, expect },
  exceptions,
)
