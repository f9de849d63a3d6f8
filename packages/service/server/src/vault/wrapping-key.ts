import type { SecretBinding } from './sealed-secret.ts'

/**
 * The key that wraps data keys: the one thing that what is sealed does not contain. All of it has to
 * be refused where it is not bound to the same secret: whoever implements it passes the binding on,
 * as associated data or as an encryption context.
 *
 * `unwrap` throws `secret_unreadable` where the key's holder says that this was not wrapped so, and
 * `wrapping_key_unavailable` where nobody can say.
 */
export interface WrappingKey {
  /** Whether it has wrapped what names this id. A key that has never wrapped has wrapped nothing. */
  owns(keyId: string): Promise<boolean>
  /** Wraps a data key, which stays the caller's. */
  wrap(dataKey: Buffer, binding: SecretBinding): Promise<WrappedKey>
  unwrap(wrapped: Buffer, binding: SecretBinding): Promise<Buffer>
}

/** A wrapped data key, and the id of the key that wrapped it. */
export interface WrappedKey {
  readonly keyId: string
  readonly wrapped: Buffer
}
