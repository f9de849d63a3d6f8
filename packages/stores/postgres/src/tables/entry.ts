import type { Row } from '../database/statement.ts'

/** A row in memory: as the database has it, and as the open transaction wants it. */
export interface Entry<Noun> {
  /** The row's key; absent if the transaction inserts the row. */
  readonly pk?: string
  /** The row as the database has it. Absent if the transaction inserts the row. */
  readonly stored?: Noun
  value: Noun
  /** True if an overrun has pushed the account over its total: from then on it may stay over it. */
  overrun: boolean
}

/** Returns the entry of a row that the database has. */
export function storedEntry<Noun>(row: Row, value: Noun, overrun: boolean): Entry<Noun> {
  return { pk: row.pk as string, stored: value, value, overrun }
}
