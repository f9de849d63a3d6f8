import type { Limits, Usage } from '../money/limits.ts'

/** What one end user may spend in all, over every agent and delegation. Only they set its limits. */
export interface EndUserAccount {
  /** `endUserAccountId` of the end user: no session and no delegation has such an id. */
  readonly id: string
  readonly endUser: string
  readonly limits: Limits
  readonly usage: Usage
  readonly createdAt: number
}

/** What an end user's account is found by. */
export function endUserAccountId(endUser: string): string {
  return `user:${endUser}`
}
