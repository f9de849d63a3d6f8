/**
 * A reader of untrusted values. Returns the value with its known fields alone, or throws
 * `ShapeError`.
 */
export type Shape<Value> = (value: unknown) => Value

/** The error of a value in another shape. It never repeats the value, which is untrusted. */
export class ShapeError extends Error {}

export const textShape: Shape<string> = (value) => (typeof value === 'string' ? value : failShape())

export const countShape: Shape<number> = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : failShape()

export const flagShape: Shape<boolean> = (value) =>
  typeof value === 'boolean' ? value : failShape()

/** Any JSON value. The API's schemas describe it, and no decision here depends on it. */
export const jsonShape: Shape<unknown> = (value) => (value === undefined ? failShape() : value)

/** An object with any fields. */
export const recordShape: Shape<Record<string, unknown>> = (value) => ({ ...asShapeRecord(value) })

/** Makes the shape of a string that matches a regular expression. */
export function matchingShape(form: RegExp): Shape<string> {
  return (value) => (form.test(textShape(value)) ? (value as string) : failShape())
}

/** Makes the shape of one of several texts. */
export function oneOfShape<const Values extends readonly string[]>(
  ...values: Values
): Shape<Values[number]> {
  return (value) => (values.includes(value as string) ? (value as Values[number]) : failShape())
}

/** Makes the shape of a field that may be missing. */
export function optionalShape<Value>(shape: Shape<Value>): Shape<Value | undefined> {
  return (value) => (value === undefined ? undefined : shape(value))
}

/** Makes the shape of a list. */
export function listShape<Value>(shape: Shape<Value>): Shape<Value[]> {
  return (value) => (Array.isArray(value) ? value.map(shape) : failShape())
}

/** An object from names to texts. The name `__proto__` is a field like any other. */
export const textsShape: Shape<Record<string, string>> = (value) =>
  Object.fromEntries(
    Object.entries(asShapeRecord(value)).map(([name, one]) => [name, textShape(one)]),
  )

/** Makes the shape of an object. Unknown fields are left out. */
export function objectShape<Fields extends Readonly<Record<string, Shape<unknown>>>>(
  fields: Fields,
): Shape<{ readonly [Name in keyof Fields]: ReturnType<Fields[Name]> }> {
  return (value) => {
    const fieldValues = asShapeRecord(value)
    const read = Object.entries(fields).map(([name, shape]) => [
      name,
      shape(Object.hasOwn(fieldValues, name) ? fieldValues[name] : undefined),
    ])
    return Object.fromEntries(read.filter(([, one]) => one !== undefined)) as never
  }
}

/** Makes the shape of an object whose field `status` selects one of several shapes. */
export function byStatusShape(shapes: Readonly<Record<string, Shape<unknown>>>): Shape<unknown> {
  return (value) => {
    const status = textShape(asShapeRecord(value).status)
    const shape = Object.hasOwn(shapes, status) ? shapes[status] : undefined
    return shape ? { status, ...(shape(value) as object) } : failShape()
  }
}

/** Bytes in standard base64. */
export const bytesShape: Shape<Uint8Array> = (value) => {
  try {
    return Uint8Array.from(atob(textShape(value)), (character) => character.charCodeAt(0))
  } catch {
    return failShape()
  }
}

function asShapeRecord(value: unknown): Record<string, unknown> {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isRecord ? (value as Record<string, unknown>) : failShape()
}

/** Throws a `ShapeError`, which stands for a value of another shape. */
function failShape(): never {
  throw new ShapeError('The answer has another shape.')
}
