import { BursarError } from '@bursar/core'

/** One row in memory: as the database has it, and as the open transaction wants it. */
export interface Entry<Noun> {
  /** The row's key; absent where the transaction inserts the row. */
  readonly pk?: string
  /** Absent where the transaction inserts the row. */
  readonly stored?: Noun
  value: Noun
  /** Sticky: an account that an overrun has pushed over its total may stay over it. */
  overrun: boolean
}

/**
 * Whether two rows agree on some fields, by identity: a change copies what it does not touch, and
 * where it did not, a needless write does no harm.
 */
export function same<Noun>(one: Noun, other: Noun, fields: readonly (keyof Noun)[]): boolean {
  return fields.every((field) => one[field] === other[field])
}

/** Throws if a field that can never change differs between the stored row and the new one. */
export function assertFixed<Part extends object>(
  what: string,
  stored: Part,
  value: Part,
  fields: readonly (keyof Part)[],
): void {
  for (const field of fields) {
    if (stored[field] === value[field]) continue
    throw new BursarError('invariant_broken', `The ${String(field)} of ${what} can never change.`)
  }
}
