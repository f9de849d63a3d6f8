import { evaluatePolicyClosed, type Policy } from '../../ports/policy.ts'

/**
 * Watches a policy before it is enforced. The shadow always allows, and records the policy's decision as
 * `policy-observed`, in the commit that decides about the payment.
 *
 * @example
 * ```ts
 * const policies = [shadow(allowUpTo({ currency: 'USD', amount: '0.50' }))]
 * ```
 */
export function shadow(policy: Policy): Policy {
  return {
    get name() {
      return `shadow ${policy.name}`
    },
    evaluate: (input) => {
      const decision = evaluatePolicyClosed(policy, input)
      const { effect } = decision
      const reason = effect === 'allow' ? {} : { reason: decision.reason }
      return { effect: 'allow', observed: { policy: policy.name, effect, ...reason } }
    },
  }
}
