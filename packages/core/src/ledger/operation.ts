/** An operation that was done with an idempotency key, or under the name of a delegation or a session. */
export interface Operation {
  /** The SHA-256 of the idempotency key and of the operation's name and caller, or the `nameId`. */
  readonly id: string
  /** The SHA-256 of the input: another input with this key or name is refused. */
  readonly inputHash: string
  /** The id of the row that was made or changed. Of a name: the row that has it, or empty if it is free again. */
  readonly subject: string
  /** The salt from which a secret is derived, together with the key, which is stored nowhere. */
  readonly salt: string
  /** The time of the operation in milliseconds since the epoch. */
  readonly at: number
}

/** The options of an operation that must be done once, however often it is called. */
export interface OnceOptions {
  /**
   * An idempotency key of 16 to 255 random characters. A second call with this key and an equal input returns
   * the first result, tokens included. With another input it throws `idempotency_conflict`. Keep the key
   * secret: a token is derived from it.
   */
  readonly idempotencyKey?: string | undefined
}
