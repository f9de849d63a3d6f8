import type { Policy } from '../../ports/policy.ts'
import { above, type Threshold } from './threshold.ts'

/** Allows payments up to an amount only: `{ currency: 'USD', amount: '1.00' }`. */
export function allowUpTo(threshold: Threshold): Policy {
  const reasonAbove = above('allowUpTo', threshold)
  return {
    name: 'allow-up-to',
    evaluate: ({ terms }) => {
      const reason = reasonAbove(terms)
      return reason ? { effect: 'deny', reason } : { effect: 'allow' }
    },
  }
}
