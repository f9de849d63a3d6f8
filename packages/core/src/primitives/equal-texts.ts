import { timingSafeEqual } from 'node:crypto'

/** Compares two texts in a time that depends on their lengths alone. */
export function equalTexts(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
