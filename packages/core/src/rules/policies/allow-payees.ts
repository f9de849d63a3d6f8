import type { Policy } from '../../ports/policy.ts'

/**
 * Allows payments to these payees only: addresses, in any case of their letters.
 *
 * @example
 * ```ts
 * const policies = [allowPayees(['0x209693Bc6afc0C5328bA36FaF03C514EF312287C'])]
 * ```
 */
export function allowPayees(payees: readonly string[]): Policy {
  const allowed = new Set(payees.map((payee) => payee.toLowerCase()))
  return {
    name: 'allow-payees',
    evaluate: ({ terms }) =>
      allowed.has(terms.payee.toLowerCase())
        ? { effect: 'allow' }
        : { effect: 'deny', reason: `payee ${terms.payee} is not on the list` },
  }
}
