import type { Policy } from '../../ports/policy.ts'

/** Asks a human for the first payment to a merchant, a host with its payee, in a delegation. */
export function askFirst(): Policy {
  return {
    name: 'ask-first',
    evaluate: ({ knownMerchant, terms }) =>
      knownMerchant
        ? { effect: 'allow' }
        : { effect: 'ask', reason: `first payment to payee ${terms.payee} at ${terms.host}` },
  }
}
