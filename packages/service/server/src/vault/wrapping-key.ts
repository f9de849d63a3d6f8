import type { SecretBinding } from './sealed-secret.ts'

/**
 * A key that wraps data keys. It never lies beside the sealed secrets.
 *
 * An implementation authenticates the binding together with the data key, as associated data or as an
 * encryption context, so that a data key cannot be unwrapped for another secret.
 */
export interface WrappingKey {
  /** Returns true if the key with this id is this one. A key that never wrapped has no id. */
  owns(keyId: string): Promise<boolean>
  /** Wraps a data key. The caller keeps the data key and overwrites it. */
  wrap(dataKey: Buffer, binding: SecretBinding): Promise<WrappedKey>
  /**
   * Unwraps a data key into a buffer that the caller overwrites. Throws `secret_unreadable` if it was
   * wrapped with another key or binding, and `wrapping_key_unavailable` if that cannot be decided.
   */
  unwrap(wrapped: Buffer, binding: SecretBinding): Promise<Buffer>
}

/** A wrapped data key. */
export interface WrappedKey {
  /** The id of the key that wrapped the data key, at most 300 characters. */
  readonly keyId: string
  /** The wrapped data key. */
  readonly wrapped: Buffer
}
