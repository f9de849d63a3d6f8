import { BursarError } from '@bursar/core'
import type { Entry } from '../tables/entry.ts'
import type { LoadPlan } from './load-plan.ts'

/** The rows of one kind that a transaction reads or writes. Each row is in it at most once. */
export interface RowCache<Noun> {
  /** Notes that the database was asked for a row. Unless the row is added, there is none. */
  markAsked(id: string): void
  /** Adds a row that was loaded. */
  add(entry: Entry<Noun>): void
  /** Checks whether a row is in memory. */
  has(id: string): boolean
  /**
   * Returns undefined if there is no such row. Throws `RowsNotLoaded` if the database was not asked
   * for the row.
   */
  find(id: string): Entry<Noun> | undefined
  /** Returns a row that another row names. Throws `invariant_broken` if there is no such row. */
  need(id: string): Entry<Noun>
  /** Replaces the value of a row. A row that the database was not asked for is assumed to be new. */
  put(value: Noun, overrun: boolean): Entry<Noun>
  /** Takes a row out that the transaction removes. */
  remove(id: string): void
  /** Lists the rows that were put. */
  changedEntries(): readonly Entry<Noun>[]
  /** Lists every row in memory. */
  entries(): Iterable<Entry<Noun>>
}

/** The way in which rows of one kind are identified and loaded. */
export interface RowKind<Noun> {
  /** The noun in messages, such as `session`. */
  readonly noun: string
  id(value: Noun): string
  /** Adds a row to the plan of a load. */
  plan(plan: LoadPlan, id: string): void
}

/** An error for rows that a transaction needs and has not loaded: it runs again with them. */
export class RowsNotLoaded extends Error {
  /** Adds the rows to the plan of the next attempt. */
  readonly addTo: (plan: LoadPlan) => void

  constructor(addTo: (plan: LoadPlan) => void) {
    super('A row is needed that was not loaded.')
    this.addTo = addTo
  }
}

/** Returns an empty cache of rows of one kind. */
export function rowCache<Noun>(kind: RowKind<Noun>): RowCache<Noun> {
  const loaded = new Map<string, Entry<Noun>>()
  const asked = new Set<string>()
  const changed = new Set<Entry<Noun>>()
  const find = (id: string): Entry<Noun> | undefined => {
    const entry = loaded.get(id)
    if (entry || asked.has(id)) return entry
    throw new RowsNotLoaded((plan) => kind.plan(plan, id))
  }
  return {
    markAsked: (id) => void asked.add(id),
    add: (entry) => void loaded.set(kind.id(entry.value), entry),
    has: (id) => loaded.has(id),
    find,
    need(id) {
      const entry = find(id)
      if (entry) return entry
      throw new BursarError('invariant_broken', `A row names the ${kind.noun} ${id}: not found.`)
    },
    put(value, overrun) {
      const id = kind.id(value)
      const entry = loaded.get(id) ?? { value, overrun }
      loaded.set(id, entry)
      entry.value = value
      entry.overrun ||= overrun
      changed.add(entry)
      return entry
    },
    remove(id) {
      const entry = loaded.get(id)
      if (entry) changed.delete(entry)
      loaded.delete(id)
      asked.add(id)
    },
    changedEntries: () => [...changed],
    entries: () => loaded.values(),
  }
}
