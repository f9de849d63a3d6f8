import { BursarError } from '@bursar/core'

/** One row that is in memory: as the file has it, and as the open transaction wants it. */
export interface Entry<Noun> {
  readonly pk: bigint
  stored: Noun
  value: Noun
  /** Sticky: an account that an overrun has pushed over its total may stay over it. */
  overrun: boolean
}

/** How one noun is read from its tables and written to them. */
export interface Table<Noun> {
  /** What people call it, in messages. */
  readonly noun: string
  /**
   * Whether a row that is not in memory is most likely new, and is soon done with: then it is inserted
   * unseen, and few are kept.
   */
  readonly grows: boolean
  id(value: Noun): string
  load(id: string): Entry<Noun> | undefined
  /** Answers `undefined`, and writes nothing, where the row is there already. */
  insert(value: Noun, overrun: boolean, holdsKey: boolean): Entry<Noun> | undefined
  /** Writes what differs between `stored` and `value`. */
  update(entry: Entry<Noun>): void
}

/** The rows of one table that are in memory, each of them once. */
export interface Entries<Noun> {
  find(id: string): Entry<Noun> | undefined
  /** The key of a row that has to be there, because another row names it. */
  key(id: string): bigint
  /**
   * Inserts at once, and keeps updates until `flush`: a batch writes a hot row once. `holdsKey`: the
   * row is a payment that its key is pinned to by the same change.
   */
  put(value: Noun, overrun: boolean, holdsKey?: boolean): void
  flush(): void
  /** Forgets a row that is removed, and what it was to become. */
  forget(id: string): void
  /** Forgets everything: another connection has written, or the transaction was undone. */
  clear(): void
  /** Forgets what was not used for a long time, where there is too much. */
  trim(): void
}

/** Rows of one table that stay in memory, at most twice as many: about 1 kB each, so some 10 MB. */
const MAX_ENTRIES = 5_000

/**
 * The same where a row is soon done with: more of them would outlive the collector's young generation,
 * and cost more time there than reading the few again that are needed later.
 */
const MAX_GROWING_ENTRIES = 500

export function entries<Noun>(table: Table<Noun>): Entries<Noun> {
  let known = new Map<string, Entry<Noun>>()
  /** What was known before there was too much, and has not been used since. */
  let older = new Map<string, Entry<Noun>>()
  const dirty = new Set<Entry<Noun>>()
  /** What was looked for and is not there: asked once, and again after another has written. */
  const absent = new Set<string>()
  const find = (id: string): Entry<Noun> | undefined => {
    const entry = known.get(id)
    if (entry) return entry
    if (absent.has(id)) return undefined
    const found = older.get(id) ?? table.load(id)
    if (found) {
      known.set(id, found)
      return found
    }
    if (absent.size >= MAX_ENTRIES) absent.clear()
    absent.add(id)
    return undefined
  }
  return {
    find,
    key(id) {
      const entry = find(id)
      if (entry) return entry.pk
      throw new BursarError('invariant_broken', `A row names the ${table.noun} ${id}: not found.`)
    },
    put(value, overrun, holdsKey = false) {
      const id = table.id(value)
      const isNew = !known.has(id) && !older.has(id) && (table.grows || !find(id))
      const inserted = isNew ? table.insert(value, overrun, holdsKey) : undefined
      if (inserted) {
        absent.delete(id)
        known.set(id, inserted)
        return
      }
      const entry = find(id)
      if (!entry) throw new BursarError('invariant_broken', `A row is in the way of ${id}.`)
      entry.value = value
      entry.overrun ||= overrun
      dirty.add(entry)
    },
    flush() {
      for (const entry of dirty) {
        table.update(entry)
        entry.stored = entry.value
      }
      dirty.clear()
    },
    forget(id) {
      const entry = known.get(id) ?? older.get(id)
      known.delete(id)
      older.delete(id)
      if (entry) dirty.delete(entry)
    },
    clear() {
      known.clear()
      older.clear()
      dirty.clear()
      absent.clear()
    },
    trim() {
      if (known.size <= (table.grows ? MAX_GROWING_ENTRIES : MAX_ENTRIES)) return
      older = known
      known = new Map()
    },
  }
}

/**
 * Whether two rows agree on some fields, by identity: a change copies what it does not touch, and
 * where it did not, a needless write does no harm.
 */
export function same<Noun>(
  one: Noun | undefined,
  other: Noun,
  fields: readonly (keyof Noun)[],
): boolean {
  return fields.every((field) => one?.[field] === other[field])
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
