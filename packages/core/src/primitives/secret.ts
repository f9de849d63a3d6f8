import { randomBytes } from 'node:crypto'

/** A new secret, base64url. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

/** 256 bits: nobody guesses it. */
export const SECRET_BYTES = 32
