/** The calls that the payers of one process make at once, each with its own session's token. */
export type Volley = readonly {
  readonly token: string
  readonly url: string
  /** The call's idempotency key, if it has one. */
  readonly call?: { readonly conversation: string; readonly id: string }
}[]

/** The outcome for one payer: a code, or the status of a result without one. */
export interface Outcome {
  readonly code: string
  readonly paymentId?: string
}
