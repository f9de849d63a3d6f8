import type { Policy } from '../../ports/policy.ts'

/**
 * Asks a human about the first payment to a merchant, a host with its payee, in a delegation.
 *
 * @example
 * ```ts
 * const policies = [askFirst()]
 * ```
 */
export function askFirst(): Policy {
  return {
    name: 'ask-first',
    evaluate: ({ knownMerchant, terms }) =>
      knownMerchant
        ? { effect: 'allow' }
        : { effect: 'ask', reason: `first payment to payee ${terms.payee} at ${terms.host}` },
  }
}
