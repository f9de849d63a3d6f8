import { fakePaidWorld, type ScriptedAgent, testAdapter } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { describe, expect, test } from 'vitest'
import { serviceReach } from './service-reach.ts'

/** Runs the adapters' suite with a session whose guard is reached over HTTP. */
export function testConnected(
  name: string,
  agent: ScriptedAgent,
  exceptions?: Parameters<typeof testAdapter>[3],
): void {
  const store = (clock: () => number) => sqliteStore({ path: ':memory:', clock })
  testAdapter(
    `connect, with ${name},`,
    async () => ({ agent, world: fakePaidWorld({ store, reach: serviceReach }) }),
    { describe, test, expect },
    exceptions,
  )
}
