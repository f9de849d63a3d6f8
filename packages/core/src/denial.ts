/**
 * Every code of a refusal, in order of precedence: where several hold, the first is answered.
 * `docs/reference/denials.md` explains each; a test holds page, union and texts together.
 */
export const denialCodes = [
  'session_unknown',
  'session_revoked',
  'session_expired',
  'session_locked',
  'delegation_revoked',
  'delegation_expired',
  'key_conflict',
  'duplicate_open',
  'request_not_allowed',
  'request_rate_exceeded',
  'challenge_invalid',
  'no_acceptable_offer',
  'unknown_asset',
  'currency_mismatch',
  'merchant_not_allowed',
  'policy_denied',
  'payment_limit_exceeded',
  'payment_count_exceeded',
  'window_limit_exceeded',
  'merchant_limit_exceeded',
  'session_limit_exceeded',
  'delegation_limit_exceeded',
  'end_user_limit_exceeded',
  'insufficient_funds',
  'approval_required',
  'approval_denied',
  'approval_expired',
  'wallet_unavailable',
  'credential_expired',
] as const

export type DenialCode = (typeof denialCodes)[number]

/** A refusal: a value with two texts, one for the model and one for the operator. */
export interface Denial {
  readonly code: DenialCode
  /** For the model: short, true, no internals, what to do next. */
  readonly message: string
  /** For the operator: everything that is known. */
  readonly detail: string
}
