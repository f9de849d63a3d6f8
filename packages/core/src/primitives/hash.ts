import { hash, timingSafeEqual } from 'node:crypto'

/** Returns the SHA-256 of a text or of bytes, as lower-case hex. */
export function sha256Hash(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex')
}

/**
 * Returns the SHA-256 of a list of parts, as lower-case hex. Two different lists never hash alike by
 * joining their parts, and neither do two kinds: `kind` names the noun that is hashed.
 */
export function hashOf(kind: string, parts: readonly (string | null)[]): string {
  return sha256Hash(JSON.stringify([`bursar/${kind}/1`, ...parts]))
}

/** Compares two hex SHA-256 hashes in constant time. Returns false if either is no such hash. */
export function equalHashes(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left, 'hex'), Buffer.from(right, 'hex')]
  return a.length === HASH_BYTES && b.length === HASH_BYTES && timingSafeEqual(a, b)
}

/** The length of a SHA-256. */
const HASH_BYTES = 32
