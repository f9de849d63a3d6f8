import type { Policy } from '../../ports/policy.ts'

/**
 * Allows payments on these networks (CAIP-2) only.
 *
 * @example
 * ```ts
 * const policies = [allowNetworks(['eip155:8453'])]
 * ```
 */
export function allowNetworks(networks: readonly string[]): Policy {
  const allowed = new Set(networks)
  return {
    name: 'allow-networks',
    evaluate: ({ terms }) =>
      allowed.has(terms.network)
        ? { effect: 'allow' }
        : { effect: 'deny', reason: `network ${terms.network} is not on the list` },
  }
}
