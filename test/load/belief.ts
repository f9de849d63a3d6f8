import type { Call } from '@bursar/core'

/** One call of a client, and what the client believes of it in the end. */
export interface Belief {
  /** Of the session that it asked in, and of the caller that this is bound to. */
  readonly token: string
  readonly key: string
  readonly call: Required<Pick<Call, 'conversation' | 'id'>>
  readonly url: string
  /** A status, or the code of what was thrown. */
  readonly answer: string
  /** Of the receipt, where there is one. */
  readonly paymentId?: string
}

/** Returns the outcome that a client may believe after an answer: `unknown` if in doubt. */
export function toldOutcome(answer: string): 'paid' | 'not paid' | 'unknown' {
  if (answer === 'paid' || answer === 'undelivered') return 'paid'
  return answer === 'denied' || answer === 'failed' ? 'not paid' : 'unknown'
}
