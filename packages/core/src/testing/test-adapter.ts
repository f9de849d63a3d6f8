import { testApprovals } from './adapter-suite/approvals.ts'
import { type AdapterTest, type AdapterWorld, onBench } from './adapter-suite/bench.ts'
import { testContents } from './adapter-suite/contents.ts'
import { testContexts } from './adapter-suite/contexts.ts'
import { testPaymentDoubts, testPayments } from './adapter-suite/payments.ts'
import { testRefusals } from './adapter-suite/refusals.ts'
import { testRepeats, testRepeatsAfterStop } from './adapter-suite/repeats.ts'
import type { TestRunner } from './test-runner.ts'

/** The tests that can't hold for an adapter, by title, with the reason of each. */
export type AdapterExceptions = Readonly<Record<string, string>>

/**
 * Defines the conformance suite of an adapter's `paymentTools`. It runs the framework's real agent loop with a
 * mock model, over any guard. After each test, all output of the framework is searched for the secrets of the
 * world. Throws if `exceptions` names a test that does not exist.
 *
 * @example
 * ```ts
 * import { describe, expect, test } from 'vitest'
 *
 * testAdapter('ai 7', makeAdapterWorld, { describe, test, expect })
 * ```
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
    testPaymentDoubts(suite)
    testRefusals(suite)
    testContexts(suite)
    testRepeats(suite)
    testRepeatsAfterStop(suite)
    testApprovals(suite)
    testContents(suite)
    const unknown = Object.keys(exceptions).filter((title) => !titles.includes(title))
    if (unknown.length > 0) throw new Error(`There is no such test: ${unknown.join('; ')}`)
  })
}
