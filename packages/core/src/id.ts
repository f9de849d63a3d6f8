import { v7 } from 'uuid'

/** What an id names. */
export type IdPrefix = 'del' | 'ses' | 'pay' | 'apr' | 'key'

/** Makes an id that sorts by time (UUIDv7), so that a store appends where it indexes it. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${v7().replaceAll('-', '')}`
}
