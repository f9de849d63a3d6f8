/**
 * The key of an account that another row names. If the same transaction inserts the account, its key
 * is not known yet, and the statement finds it by the id.
 */
export type AccountKey = readonly [pk: string | null, id: string | null]

/** Finds the keys of the rows that other rows name. */
export interface ParentKeys {
  payment(id: string): string
  session(id: string): AccountKey
  delegation(id: string): AccountKey
}
