import type { Policy } from '../../ports/policy.ts'
import { compareWithThreshold, type Threshold } from './threshold.ts'

/**
 * Asks a human about payments above an amount, and about every other currency. Throws `invalid_input` if
 * the amount is not a decimal string.
 *
 * @example
 * ```ts
 * const policies = [askAbove({ currency: 'USD', amount: '1.00' })]
 * ```
 */
export function askAbove(threshold: Threshold): Policy {
  const reasonAbove = compareWithThreshold('askAbove', threshold)
  return {
    name: 'ask-above',
    evaluate: ({ terms }) => {
      const reason = reasonAbove(terms)
      return reason ? { effect: 'ask', reason } : { effect: 'allow' }
    },
  }
}
