import { BursarError } from '../primitives/errors.ts'

/** Returns some fields of a value, without those that are undefined. */
export function pickFields<Value extends object, Field extends keyof Value>(
  value: Value,
  fields: readonly Field[],
): Pick<Value, Field> {
  const picked: Partial<Pick<Value, Field>> = {}
  for (const field of fields) if (value[field] !== undefined) picked[field] = value[field]
  return picked as Pick<Value, Field>
}

/** The fields of a row, each nullable column as an optional field. */
export type WithoutNulls<Row> = {
  readonly [Field in keyof Row as null extends Row[Field] ? never : Field]: Row[Field]
} & {
  readonly [Field in keyof Row as null extends Row[Field] ? Field : never]?: NonNullable<Row[Field]>
}

/** Returns the fields of a row, without those that are null. */
export function omitNullFields<Row extends object>(row: Row): WithoutNulls<Row> {
  const fields = Object.entries(row).filter(([, column]) => column !== null)
  return Object.fromEntries(fields) as WithoutNulls<Row>
}

/**
 * Checks whether two values have identical fields.
 *
 * Objects are compared by identity: a change copies the fields that it does not touch. If a change
 * replaced an object by an equal one, the store writes the row once more than needed.
 */
export function hasSameFields<Value extends object>(
  one: Value,
  other: Value,
  fields: readonly (keyof Value)[],
): boolean {
  return fields.every((field) => one[field] === other[field])
}

/** Throws `invariant_broken` if a field differs that is fixed when the row is inserted. */
export function assertSameFields<Value extends object>(
  name: string,
  stored: Value,
  next: Value,
  fields: readonly (keyof Value)[],
): void {
  for (const field of fields) {
    if (stored[field] === next[field]) continue
    throw new BursarError('invariant_broken', `The ${String(field)} of ${name} can never change.`)
  }
}
