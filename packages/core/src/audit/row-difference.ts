import { canonicalJson } from '../primitives/canonical-json.ts'

/** So much of a value is shown: a reason has to be read by people. */
const MAX_SHOWN = 200

/**
 * The first of some fields in which a row is not what its records say, as a sentence; `undefined`
 * if there is none.
 */
export function difference<Fields extends object>(
  id: string,
  row: Fields,
  recorded: Fields,
  fields: readonly (keyof Fields & string)[],
): string | undefined {
  for (const field of fields) {
    if (isSame(row[field], recorded[field])) continue
    const [says, said] = [canonicalJson(row[field]), canonicalJson(recorded[field])]
    if (says !== said) return `${id} says ${field} ${cut(says)}, its records say ${cut(said)}`
  }
  return undefined
}

/** Nearly all are: so it is found out before both are written out, as far as values are alike and flat. */
function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false
  if (Array.isArray(one) || Array.isArray(other)) return false
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Reflect.get(one, name) === Reflect.get(other, name))
  )
}

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
