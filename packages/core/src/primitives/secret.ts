import { randomBytes } from 'node:crypto'

/** Makes a secret of `SECRET_BYTES` random bytes, as base64url. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

/** The length of a secret: 256 bits cannot be guessed. */
export const SECRET_BYTES = 32
