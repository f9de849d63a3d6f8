import { formsOf, PIECE_BYTES, piecesOf, type Secret } from './secret.ts'

/** A search for all forms of many secrets in one pass over some bytes. */
export interface SecretSearch {
  /** Adds each secret found in the bytes to `found`, as `name: form`. */
  in(bytes: Uint8Array, found: Set<string>): void
}

interface Piece {
  readonly bytes: Uint8Array
  readonly found: string
}

/**
 * The last two bytes of a window of one piece's length say how far it can be moved without passing
 * over any piece (the algorithm of Wu and Manber): most bytes are never looked at.
 */
export function secretSearch(secrets: readonly Secret[]): SecretSearch {
  const pieces = secrets.flatMap((secret) =>
    Object.entries(formsOf(secret)).flatMap(([form, bytes]) =>
      piecesOf(bytes).map((piece) => ({ bytes: piece, found: `${secret.name}: ${form}` })),
    ),
  )
  const moves = new Uint8Array(65_536).fill(PIECE_BYTES - 1)
  const ending = new Map<number, Piece[]>()
  for (const piece of pieces) {
    for (let at = 1; at < PIECE_BYTES; at += 1) {
      const pair = pairAt(piece.bytes, at)
      moves[pair] = Math.min(moves[pair] ?? 0, PIECE_BYTES - 1 - at)
    }
    const last = pairAt(piece.bytes, PIECE_BYTES - 1)
    ending.set(last, [...(ending.get(last) ?? []), piece])
  }
  return {
    in(bytes, found) {
      let at = PIECE_BYTES - 1
      while (at < bytes.length) {
        const pair = pairAt(bytes, at)
        const move = moves[pair] ?? 0
        if (move === 0) {
          for (const piece of ending.get(pair) ?? []) {
            if (isAt(bytes, at, piece.bytes)) found.add(piece.found)
          }
        }
        at += move || 1
      }
    },
  }
}

function pairAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at - 1] ?? 0) << 8) | (bytes[at] ?? 0)
}

function isAt(bytes: Uint8Array, end: number, piece: Uint8Array): boolean {
  const start = end - PIECE_BYTES + 1
  return piece.every((byte, index) => bytes[start + index] === byte)
}
