import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { BursarError } from '../primitives/errors.ts'

/** 256 bits: nobody guesses it. */
const SECRET_BYTES = 32

/** Length of a SHA-256. */
const HASH_BYTES = 32

/** The longest that a payment token lives, from its reservation on. */
export const PAYMENT_TOKEN_LIFE_MS = 60_000

const keyPattern = /^bursar_(key_[0-9a-f]{32})_([A-Za-z0-9_-]{43})$/

const sessionTokenPattern = /^bursar_(ses_[0-9a-f]{32})_([A-Za-z0-9_-]{43})$/

/** Lower-case hex SHA-256 of a text, or of bytes. */
export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex')
}

/** SHA-256 over a list of parts that cannot run into each other. `kind` names what is hashed. */
export function hashOf(kind: string, parts: readonly (string | null)[]): string {
  return sha256(JSON.stringify([`bursar/${kind}/1`, ...parts]))
}

/** A new secret, base64url. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

/** The token of a session, made of its secret. It is shown once; only its hash is stored. */
export function sessionToken(
  session: string,
  secret: string,
): { readonly token: string; readonly tokenHash: string } {
  const token = `bursar_${session}_${secret}`
  return { token, tokenHash: sha256(token) }
}

/** A key of the service as its holder sends it: what it is, which one, and its secret. */
export function keyText(id: string, secret: string): string {
  return `bursar_${id}_${secret}`
}

/** Which key a text claims to be, and the hash that it has to have; `undefined` if it is none. */
export function readKeyText(
  text: string,
): { readonly id: string; readonly hash: string } | undefined {
  const id = keyPattern.exec(text)?.[1]
  return id === undefined ? undefined : { id, hash: sha256(text) }
}

/** The session that a token speaks of, and the token's hash; `undefined` if it is no token. */
export function readSessionToken(
  token: unknown,
): { readonly session: string; readonly tokenHash: string } | undefined {
  if (typeof token !== 'string') return undefined
  const session = sessionTokenPattern.exec(token)?.[1]
  return session === undefined ? undefined : { session, tokenHash: sha256(token) }
}

/** Compares two hex hashes in a time that says nothing about where they differ. */
export function equalHashes(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left, 'hex'), Buffer.from(right, 'hex')]
  // What is no hash equals nothing: not even another text that is none.
  return a.length === HASH_BYTES && b.length === HASH_BYTES && timingSafeEqual(a, b)
}

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
    this.hash = sha256(this.#secret)
  }

  get redeemed(): boolean {
    return this.#redeemed
  }

  /**
   * Ends the token: from then on nobody can have a signature for it, so that a hold can be released
   * on the knowledge that it was not redeemed.
   */
  end(): void {
    this.#secret.fill(0)
  }

  /** Uses the token up. Throws if it was used before, is dead, or belongs to another payment. */
  redeem(
    payment: { readonly tokenHash: string; readonly tokenExpiresAt: number },
    now: number,
  ): void {
    if (this.#redeemed) {
      throw new BursarError('payment_token_redeemed', 'The payment token was redeemed before.')
    }
    if (!equalHashes(sha256(this.#secret), payment.tokenHash)) {
      throw new BursarError('payment_token_invalid', 'The payment token is of another payment.')
    }
    if (now >= payment.tokenExpiresAt) {
      throw new BursarError('payment_token_expired', 'The payment token has expired.')
    }
    this.#redeemed = true
    this.#secret.fill(0)
  }
}
