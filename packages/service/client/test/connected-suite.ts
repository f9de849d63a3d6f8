import { fakePaidWorld, type ScriptedAgent, testAdapter } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { describe, expect, test } from 'vitest'
import { serviceReach } from './service-reach.ts'

/** An adapter over HTTP keeps every promise that it keeps with the guard in its own process. */
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
