import type { Call } from '@bursar/core'

/** One call of a client, and the client's final belief about its payment. */
export interface Belief {
  /** The token of the call's session, and the key of the caller that the session is bound to. */
  readonly token: string
  readonly key: string
  readonly call: Required<Pick<Call, 'conversation' | 'id'>>
  readonly url: string
  /** The status of the answer, or the code of the thrown error. */
  readonly answer: string
  /** The payment's id from the receipt. Absent if there is no receipt. */
  readonly paymentId?: string
}

/** Returns the outcome that a client may believe after an answer: `unknown` if in doubt. */
export function toldOutcome(answer: string): 'paid' | 'not paid' | 'unknown' {
  if (answer === 'paid' || answer === 'undelivered') return 'paid'
  return answer === 'denied' || answer === 'failed' ? 'not paid' : 'unknown'
}
