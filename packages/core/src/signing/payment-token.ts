import { randomBytes } from 'node:crypto'
import { BursarError } from '../primitives/errors.ts'
import { equalHashes, sha256Hash } from '../primitives/hash.ts'
import { SECRET_BYTES } from '../primitives/secret.ts'

/** The longest that a payment token lives, from its reservation on. */
export const PAYMENT_TOKEN_LIFE_MS = 60_000

/**
 * The single-use permission to sign one payment. It lives in the memory of the process that made
 * the reservation, is redeemed there, and dies with it; the ledger has only its hash.
 */
export class PaymentToken {
  readonly hash: string
  readonly #secret: Buffer
  #redeemed = false

  constructor() {
    this.#secret = randomBytes(SECRET_BYTES)
    this.hash = sha256Hash(this.#secret)
  }

  get redeemed(): boolean {
    return this.#redeemed
  }

  /**
   * Ends the token, so that no signature can follow. Its payment's hold may then be released
   * without proof if the token was never redeemed.
   */
  end(): void {
    this.#secret.fill(0)
  }

  /**
   * Redeems the token, once. Throws if it was redeemed before, has ended, or is of another payment.
   */
  redeem(
    payment: { readonly tokenHash: string; readonly tokenExpiresAt: number },
    now: number,
  ): void {
    if (this.#redeemed) {
      throw new BursarError('payment_token_redeemed', 'The payment token was redeemed before.')
    }
    if (!equalHashes(sha256Hash(this.#secret), payment.tokenHash)) {
      throw new BursarError('payment_token_invalid', 'The payment token is of another payment.')
    }
    if (now >= payment.tokenExpiresAt) {
      throw new BursarError('payment_token_expired', 'The payment token has expired.')
    }
    this.#redeemed = true
    this.#secret.fill(0)
  }
}
