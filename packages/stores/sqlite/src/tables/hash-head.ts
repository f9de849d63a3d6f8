/**
 * The hex digits of a hash that are indexed, 48 bits: a small whole number, and as good as unique.
 */
const HEAD_DIGITS = 12

/**
 * Returns the part of a hash that is indexed. A text that is not a hash shares 0 with others, so each
 * statement compares the whole text as well.
 */
export function hashHead(hash: string): number {
  const head = Number.parseInt(hash.slice(0, HEAD_DIGITS), 16)
  return head >= 0 ? head : 0
}
