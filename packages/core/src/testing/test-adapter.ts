import { testApprovals } from './adapter-suite/approvals.ts'
import { type AdapterTest, type AdapterWorld, onBench } from './adapter-suite/bench.ts'
import { testContents } from './adapter-suite/contents.ts'
import { testContexts } from './adapter-suite/contexts.ts'
import { testDoubts, testPayments } from './adapter-suite/payments.ts'
import { testRefusals } from './adapter-suite/refusals.ts'
import { testRepeats, testStops } from './adapter-suite/repeats.ts'
import type { TestRunner } from './test-runner.ts'

/** Tests that cannot hold for an adapter, by their titles, with the reason. */
export type AdapterExceptions = Readonly<Record<string, string>>

/**
 * The conformance suite of the adapters: what every adapter's `paymentTools` has to keep, with the
 * framework's real agent loop and a mock model, over any guard that can be paid within.
 *
 * After each test everything that the framework showed, streamed, kept, traced and logged is
 * searched for the secrets of the world. Throws for an exception whose test does not exist.
 *
 * @example
 * testAdapter('ai 7', async () => ({ agent, world: fakePaidWorld({ store }) }), runner)
 */
export function testAdapter(
  name: string,
  makeWorld: () => Promise<AdapterWorld>,
  { describe, test, expect }: TestRunner,
  exceptions: AdapterExceptions = {},
): void {
  const titles: string[] = []
  const suite: AdapterTest = {
    expect,
    test: (title, run) => {
      titles.push(title)
      if (Object.hasOwn(exceptions, title)) return
      test(title, () => onBench(makeWorld, expect, run))
    },
  }
  describe(`${name} keeps the promises of an adapter`, () => {
    testPayments(suite)
    testDoubts(suite)
    testRefusals(suite)
    testContexts(suite)
    testRepeats(suite)
    testStops(suite)
    testApprovals(suite)
    testContents(suite)
    const unknown = Object.keys(exceptions).filter((title) => !titles.includes(title))
    if (unknown.length > 0) throw new Error(`There is no such test: ${unknown.join('; ')}`)
  })
}
