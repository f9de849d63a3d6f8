import type { Terms } from '../../ledger/payment.ts'
import { formatAmount, parseAmount } from '../../money/amount.ts'
import { BursarError } from '../../primitives/errors.ts'

/** An amount that a policy compares payments with: `{ currency: 'USD', amount: '1.00' }`. */
export interface Threshold {
  /** The currency, for example `'USD'`. */
  readonly currency: string
  /** The amount in `currency`, a decimal string. */
  readonly amount: string
}

/**
 * Creates a function that returns why terms are above a threshold, or undefined. Another currency is above
 * every threshold. Throws `invalid_input`, in the name of the policy, if the amount is not a decimal string.
 */
export function compareWithThreshold(
  policy: string,
  threshold: Threshold,
): (terms: Terms) => string | undefined {
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
