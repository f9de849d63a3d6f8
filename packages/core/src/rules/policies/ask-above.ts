import type { Policy } from '../../ports/policy.ts'
import { above, type Threshold } from './threshold.ts'

/** Asks a human for payments above an amount: `{ currency: 'USD', amount: '1.00' }`. */
export function askAbove(threshold: Threshold): Policy {
  const reasonAbove = above('askAbove', threshold)
  return {
    name: 'ask-above',
    evaluate: ({ terms }) => {
      const reason = reasonAbove(terms)
      return reason ? { effect: 'ask', reason } : { effect: 'allow' }
    },
  }
}
