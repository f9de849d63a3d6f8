import { canonicalJson } from '../primitives/canonical-json.ts'

/** The characters of a value that a reason shows, so that people can read the reason. */
const MAX_SHOWN = 200

/**
 * Compares some fields of a row with the values that its records give. Returns a sentence about the first
 * field that differs. Returns undefined if all of them agree.
 */
export function findRowDifference<Fields extends object>(
  id: string,
  row: Fields,
  recorded: Fields,
  fields: readonly (keyof Fields & string)[],
): string | undefined {
  for (const field of fields) {
    if (isSameField(row[field], recorded[field])) continue
    const [says, said] = [canonicalJson(row[field]), canonicalJson(recorded[field])]
    if (says !== said)
      return `${id} says ${field} ${shortenDifference(says)}, its records say ${shortenDifference(said)}`
  }
  return undefined
}

/** Compares flat values without writing them as text, which is slow and which few rows need. */
function isSameField(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false
  if (Array.isArray(one) || Array.isArray(other)) return false
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Reflect.get(one, name) === Reflect.get(other, name))
  )
}

function shortenDifference(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
