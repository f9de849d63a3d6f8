import { hash, timingSafeEqual } from 'node:crypto'

/** Lower-case hex SHA-256 of a text, or of bytes. */
export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex')
}

/** SHA-256 over a list of parts that cannot run into each other. `kind` names what is hashed. */
export function hashOf(kind: string, parts: readonly (string | null)[]): string {
  return sha256(JSON.stringify([`bursar/${kind}/1`, ...parts]))
}

/** Compares two hex hashes in a time that says nothing about where they differ. */
export function equalHashes(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left, 'hex'), Buffer.from(right, 'hex')]
  // What is no hash equals nothing: not even another text that is none.
  return a.length === HASH_BYTES && b.length === HASH_BYTES && timingSafeEqual(a, b)
}

/** Length of a SHA-256. */
const HASH_BYTES = 32
