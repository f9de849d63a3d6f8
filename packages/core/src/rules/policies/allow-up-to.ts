import type { Policy } from '../../ports/policy.ts'
import { compareWithThreshold, type Threshold } from './threshold.ts'

/**
 * Allows payments up to an amount only, and none in another currency. Throws `invalid_input` if the amount
 * is not a decimal string.
 *
 * @example
 * ```ts
 * const policies = [allowUpTo({ currency: 'USD', amount: '1.00' })]
 * ```
 */
export function allowUpTo(threshold: Threshold): Policy {
  const reasonAbove = compareWithThreshold('allowUpTo', threshold)
  return {
    name: 'allow-up-to',
    evaluate: ({ terms }) => {
      const reason = reasonAbove(terms)
      return reason ? { effect: 'deny', reason } : { effect: 'allow' }
    },
  }
}
