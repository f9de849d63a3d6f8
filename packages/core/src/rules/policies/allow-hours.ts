import type { Policy } from '../../ports/policy.ts'
import { BursarError } from '../../primitives/errors.ts'

/**
 * Allows payments from one hour of the UTC day until another. Hours from 22 until 6 go over midnight.
 * Throws `invalid_input` if an hour is not an integer from 0 to 24.
 *
 * @example
 * ```ts
 * const policies = [allowHours({ from: 8, until: 18 })]
 * ```
 */
export function allowHours(options: { readonly from: number; readonly until: number }): Policy {
  const { from, until } = options
  for (const hour of [from, until]) {
    if (!Number.isInteger(hour) || hour < 0 || hour > 24) {
      throw new BursarError('invalid_input', 'allowHours: from and until are hours from 0 to 24.')
    }
  }
  return {
    name: 'allow-hours',
    evaluate: ({ at }) => {
      const hour = new Date(at).getUTCHours()
      const open = from <= until ? hour >= from && hour < until : hour >= from || hour < until
      return open
        ? { effect: 'allow' }
        : { effect: 'deny', reason: `hour ${hour} UTC is not from ${from} until ${until}` }
    },
  }
}
