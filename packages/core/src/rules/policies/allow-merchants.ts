import type { Policy } from '../../ports/policy.ts'

/**
 * Allows payments to these hosts only, written as `URL.host` writes them.
 *
 * @example
 * ```ts
 * const policies = [allowMerchants(['api.example.com'])]
 * ```
 */
export function allowMerchants(hosts: readonly string[]): Policy {
  const allowed = new Set(hosts)
  return {
    name: 'allow-merchants',
    evaluate: ({ terms }) =>
      allowed.has(terms.host)
        ? { effect: 'allow' }
        : { effect: 'deny', reason: `host ${terms.host} is not on the list` },
  }
}
