import { BursarError } from '@bursar/core'
import type { Entry } from '../tables/entry.ts'
import type { Wanted } from './load-plan.ts'

/** The rows of one kind that one transaction has to do with, each of them once. */
export interface Entries<Noun> {
  /** Notes that the database was asked for a row: unless it is added, it is known to be absent. */
  asked(id: string): void
  add(entry: Entry<Noun>): void
  /** Whether the row is in memory. */
  has(id: string): boolean
  /** Throws `RowsNotLoaded` where the database was not asked for the row. */
  find(id: string): Entry<Noun> | undefined
  /** The row, which has to be there, because another row names it. */
  need(id: string): Entry<Noun>
  /** Replaces a row's value. A row that nobody has asked for is taken for a new one. */
  put(value: Noun, overrun: boolean): Entry<Noun>
  /** Takes a row out that the transaction removes. */
  remove(id: string): void
  /** The rows that were put. */
  changed(): readonly Entry<Noun>[]
  /** Every row that is in memory. */
  all(): Iterable<Entry<Noun>>
}

/** How the rows of one kind are told apart. */
export interface Kind<Noun> {
  /** What people call it, in messages. */
  readonly noun: string
  id(value: Noun): string
  /** Adds a row to what has to be loaded. */
  want(wanted: Wanted, id: string): void
}

/** A transaction needs rows that it has not loaded: it is run again, and loads them. */
export class RowsNotLoaded extends Error {
  readonly want: (wanted: Wanted) => void

  constructor(want: (wanted: Wanted) => void) {
    super('A row is needed that was not loaded.')
    this.want = want
  }
}

export function entries<Noun>(kind: Kind<Noun>): Entries<Noun> {
  const known = new Map<string, Entry<Noun>>()
  const absent = new Set<string>()
  const changed = new Set<Entry<Noun>>()
  const find = (id: string): Entry<Noun> | undefined => {
    const entry = known.get(id)
    if (entry || absent.has(id)) return entry
    throw new RowsNotLoaded((wanted) => kind.want(wanted, id))
  }
  return {
    asked: (id) => void absent.add(id),
    add: (entry) => void known.set(kind.id(entry.value), entry),
    has: (id) => known.has(id),
    find,
    need(id) {
      const entry = find(id)
      if (entry) return entry
      throw new BursarError('invariant_broken', `A row names the ${kind.noun} ${id}: not found.`)
    },
    put(value, overrun) {
      const id = kind.id(value)
      const entry = known.get(id) ?? { value, overrun }
      known.set(id, entry)
      entry.value = value
      entry.overrun ||= overrun
      changed.add(entry)
      return entry
    },
    remove(id) {
      const entry = known.get(id)
      if (entry) changed.delete(entry)
      known.delete(id)
      absent.add(id)
    },
    changed: () => [...changed],
    all: () => known.values(),
  }
}
