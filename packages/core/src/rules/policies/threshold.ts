import type { Terms } from '../../ledger/payment.ts'
import { formatAmount, parseAmount } from '../../money/amount.ts'
import { BursarError } from '../../primitives/errors.ts'

/** An amount of a currency that a policy draws its line at: `{ currency: 'USD', amount: '1.00' }`. */
export interface Threshold {
  readonly currency: string
  readonly amount: string
}

/**
 * Says why terms are above a threshold, or nothing. Another currency is above every one. Throws
 * `invalid_input`, in the name of the policy, for an amount that is none.
 */
export function above(policy: string, threshold: Threshold): (terms: Terms) => string | undefined {
  const { currency } = threshold
  const micro = parseAmount(threshold.amount)
  if (micro === undefined) {
    throw new BursarError('invalid_input', `${policy}: amount: must be a decimal such as '1.00'.`)
  }
  return (terms) =>
    terms.currency === currency && terms.amountMicro <= micro
      ? undefined
      : `above ${formatAmount(micro)} ${currency}`
}
