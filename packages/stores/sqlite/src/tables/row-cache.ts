import { BursarError } from '@bursar/core'

/** A row in memory: as the file has it, and as the open transaction wants it. */
export interface Entry<Noun> {
  readonly pk: bigint
  stored: Noun
  value: Noun
  /** True if an overrun has pushed the account over its total: from then on it may stay over it. */
  overrun: boolean
}

/** The reading and writing of one noun in its tables. */
export interface Table<Noun> {
  /** The noun in messages, such as `session`. */
  readonly noun: string
  /**
   * Whether rows of this table are mostly new and used briefly. If so, a row that is not cached is
   * inserted without a lookup, and fewer rows are cached.
   */
  readonly grows: boolean
  id(value: Noun): string
  /** Returns undefined if there is no such row. */
  load(id: string): Entry<Noun> | undefined
  /** Inserts a row. Returns undefined, and writes nothing, if a row of this id is there already. */
  insert(value: Noun, overrun: boolean, holdsKey: boolean): Entry<Noun> | undefined
  /** Writes the columns that differ between `stored` and `value`. */
  update(entry: Entry<Noun>): void
}

/** A cache of the rows of one table. Each row is in it at most once. */
export interface RowCache<Noun> {
  /** Returns undefined if there is no such row. */
  find(id: string): Entry<Noun> | undefined
  /** Returns the key of a row that another row names. Throws `invariant_broken` if it is not there. */
  key(id: string): bigint
  /**
   * Inserts a new row at once, and keeps an update until `flush`, so that a batch writes a hot row
   * once. `holdsKey` marks a payment whose idempotency key is pinned to it by the same change.
   */
  put(value: Noun, overrun: boolean, holdsKey?: boolean): void
  /** Writes the updates that `put` has kept. */
  flush(): void
  /** Drops a row that is removed from the table, with its update. */
  drop(id: string): void
  /** Drops every row, after another connection has written or the transaction was undone. */
  clear(): void
  /** Drops the rows that were not used for a long time, if the cache is full. */
  trim(): void
}

/** The rows of one table that are cached before `trim` drops any: about 1 kB each, so some 10 MB. */
const MAX_ENTRIES = 5_000

/**
 * The rows of a growing table that are cached. More of them would outlive the garbage collector's young
 * generation, which costs more time than to read the few again that are needed later.
 */
const MAX_GROWING_ENTRIES = 500

/** Returns the entry of a row that the file has. */
export function storedCacheEntry<Noun>(pk: bigint, value: Noun, overrun: boolean): Entry<Noun> {
  return { pk, stored: value, value, overrun }
}

/** Returns an empty cache of a table. */
export function rowCache<Noun>(table: Table<Noun>): RowCache<Noun> {
  let recent = new Map<string, Entry<Noun>>()
  /** The rows that were recent at the last `trim`, and have not been used since. */
  let older = new Map<string, Entry<Noun>>()
  const dirty = new Set<Entry<Noun>>()
  /** The ids that the table is known not to have. */
  const absent = new Set<string>()
  const find = (id: string): Entry<Noun> | undefined => {
    const entry = recent.get(id)
    if (entry) return entry
    if (absent.has(id)) return undefined
    const found = older.get(id) ?? table.load(id)
    if (found) {
      recent.set(id, found)
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
      const isNew = !recent.has(id) && !older.has(id) && (table.grows || !find(id))
      const inserted = isNew ? table.insert(value, overrun, holdsKey) : undefined
      if (inserted) {
        absent.delete(id)
        recent.set(id, inserted)
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
    drop(id) {
      const entry = recent.get(id) ?? older.get(id)
      recent.delete(id)
      older.delete(id)
      if (entry) dirty.delete(entry)
    },
    clear() {
      recent.clear()
      older.clear()
      dirty.clear()
      absent.clear()
    },
    trim() {
      if (recent.size <= (table.grows ? MAX_GROWING_ENTRIES : MAX_ENTRIES)) return
      older = recent
      recent = new Map()
    },
  }
}
