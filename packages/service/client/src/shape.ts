/** Reads a value of unknown origin: answers it with its known fields alone, or throws `NotOfShape`. */
export type Shape<Value> = (value: unknown) => Value

/** Thrown by shapes. What was found is not repeated: a stranger may have written it. */
export class NotOfShape extends Error {}

export const text: Shape<string> = (value) => (typeof value === 'string' ? value : fail())

export const count: Shape<number> = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : fail()

export const flag: Shape<boolean> = (value) => (typeof value === 'boolean' ? value : fail())

/** What the API's own schemas describe, and nothing is decided by. */
export const json: Shape<unknown> = (value) => (value === undefined ? fail() : value)

/** An object of any fields. */
export const record: Shape<Record<string, unknown>> = (value) => ({ ...recordOf(value) })

export function matching(form: RegExp): Shape<string> {
  return (value) => (form.test(text(value)) ? (value as string) : fail())
}

export function oneOf<const Values extends readonly string[]>(
  ...values: Values
): Shape<Values[number]> {
  return (value) => (values.includes(value as string) ? (value as Values[number]) : fail())
}

/** A field that may be missing. */
export function optional<Value>(shape: Shape<Value>): Shape<Value | undefined> {
  return (value) => (value === undefined ? undefined : shape(value))
}

export function list<Value>(shape: Shape<Value>): Shape<Value[]> {
  return (value) => (Array.isArray(value) ? value.map(shape) : fail())
}

/** Names to texts. A name may be `__proto__`: it is a field like any other. */
export const texts: Shape<Record<string, string>> = (value) =>
  Object.fromEntries(Object.entries(recordOf(value)).map(([name, one]) => [name, text(one)]))

export function object<Fields extends Readonly<Record<string, Shape<unknown>>>>(
  fields: Fields,
): Shape<{ readonly [Name in keyof Fields]: ReturnType<Fields[Name]> }> {
  return (value) => {
    const given = recordOf(value)
    const read = Object.entries(fields).map(([name, shape]) => [
      name,
      shape(Object.hasOwn(given, name) ? given[name] : undefined),
    ])
    return Object.fromEntries(read.filter(([, one]) => one !== undefined)) as never
  }
}

/** An object of one of several shapes; its field `status` says which. */
export function byStatus(shapes: Readonly<Record<string, Shape<unknown>>>): Shape<unknown> {
  return (value) => {
    const status = text(recordOf(value).status)
    const shape = Object.hasOwn(shapes, status) ? shapes[status] : undefined
    return shape ? { status, ...(shape(value) as object) } : fail()
  }
}

/** Standard base64. */
export const bytes: Shape<Uint8Array> = (value) => {
  try {
    return Uint8Array.from(atob(text(value)), (character) => character.charCodeAt(0))
  } catch {
    return fail()
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isRecord ? (value as Record<string, unknown>) : fail()
}

function fail(): never {
  throw new NotOfShape('The answer has another shape.')
}
