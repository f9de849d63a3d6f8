import type { Limits, Usage } from '../money/limits.ts'

/** The account of one end user over all agents and delegations. Only the end user sets its limits. */
export interface EndUserAccount {
  /** The id from `endUserAccountId`. No session and no delegation has such an id. */
  readonly id: string
  readonly endUser: string
  readonly limits: Limits
  readonly usage: Usage
  readonly createdAt: number
}

/**
 * Returns the id of an end user's account.
 *
 * @example
 * ```ts
 * endUserAccountId('alice') // 'user:alice'
 * ```
 */
export function endUserAccountId(endUser: string): string {
  return `user:${endUser}`
}
