/** An operation that was done for an idempotency key. */
export interface Operation {
  /** SHA-256 of the key and of what it is for. */
  readonly id: string
  readonly inputHash: string
  /** What was made or changed. */
  readonly subject: string
  /** What the secret is derived from, together with the key, which is stored nowhere. */
  readonly salt: string
  readonly at: number
}

/** How a caller makes sure that what it asks for is done once, however often it asks. */
export interface OnceOptions {
  /**
   * Names the operation: the same key with the same input is answered with what was done for it
   * first, tokens included; with another input, `idempotency_conflict`. Random, 16 to 255 characters:
   * a token is derived from it, and only who has the key gets that token again.
   */
  readonly idempotencyKey?: string | undefined
}
