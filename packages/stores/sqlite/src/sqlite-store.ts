import { BursarError, type Store } from '@bursar/core'
import { pageBounds } from '@bursar/core/store'
import type { Database } from './database/database.ts'
import { openDatabase } from './database/open-database.ts'
import { commitQueue, type QueueOptions } from './queue/commit-queue.ts'
import { pages } from './tables/pages.ts'
import { openLedger } from './transaction/ledger.ts'

/** The options of `sqliteStore`. */
export interface SqliteStoreOptions {
  /**
   * The path of the file. The store creates a missing file, but no missing directory. `':memory:'`
   * keeps everything in memory, for a test.
   */
  readonly path: string
  /**
   * A clock for tests, in milliseconds since the epoch.
   *
   * @default Date.now
   */
  readonly clock?: (() => number) | undefined
}

/**
 * Returns a store that keeps the ledger and the audit trail in one SQLite file, through `node:sqlite`.
 *
 * Opens the file at once. Throws `store_unavailable`, `store_readonly`, `store_locked` or
 * `store_schema_newer` if the file cannot be used, and `invalid_input` for a bad option.
 *
 * A commit that cannot be written is rejected with `store_failed`, and nothing of it is in the file.
 * Several processes may use one file; a single process that writes is fastest.
 *
 * @example
 * ```ts
 * import type { Store } from '@bursar/core'
 * import { sqliteStore } from '@bursar/store-sqlite'
 *
 * export const store: Store = sqliteStore({ path: 'bursar.db' })
 * ```
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  const { path, clock } = parseSqliteOptions(options)
  return storeOn(openDatabase(path), { path, clock })
}

/**
 * Returns the store of an open database.
 *
 * @internal
 */
export function storeOn(database: Database, options: QueueOptions, busyTotalMs?: number): Store {
  const ledger = openLedger(database)
  const lists = pages(database, ledger.audit)
  const queue = commitQueue(ledger, options, busyTotalMs)
  return {
    commit: (scope, change, when) => queue.commit(scope, change, when),
    read: (scope) => queue.read(() => ledger.load(scope)),
    now: options.clock,
    async payments(filter, page) {
      const bounds = pageBounds('payments', page)
      return await queue.read(() => lists.payments(filter, bounds))
    },
    async sessions(filter, page) {
      const bounds = pageBounds('sessions', page)
      return await queue.read(() => lists.sessions(filter, bounds))
    },
    async delegations(filter, page) {
      const bounds = pageBounds('delegations', page)
      return await queue.read(() => lists.delegations(filter, bounds))
    },
    async approvals(filter, page) {
      const bounds = pageBounds('approvals', page)
      return await queue.read(() => lists.approvals(filter, bounds))
    },
    async credentials(page) {
      const bounds = pageBounds('credentials', page)
      return await queue.read(() => lists.credentials(bounds))
    },
    content: (payment) => queue.read(() => ledger.contents.find(payment)),
    async audit(page) {
      const bounds = pageBounds('audit', page)
      return await queue.read(() => lists.audit(bounds))
    },
    close: () => queue.close(),
  }
}

function parseSqliteOptions(options: SqliteStoreOptions): { path: string; clock: () => number } {
  const { path, clock = Date.now } = options ?? {}
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw sqliteOptionError('path', 'must be the path of a file')
  }
  if (typeof clock !== 'function') throw sqliteOptionError('clock', 'must be a function')
  return { path, clock: () => wholeSqliteMs(clock()) }
}

/** Returns a clock's time in whole milliseconds. Throws, so that no expiry depends on a broken clock. */
function wholeSqliteMs(at: number): number {
  const ms = Math.floor(at)
  if (Number.isSafeInteger(ms) && ms >= 0) return ms
  throw sqliteOptionError('clock', `returned ${String(at)}`)
}

function sqliteOptionError(field: string, rule: string): BursarError {
  return new BursarError('invalid_input', `sqliteStore: ${field}: ${rule}.`)
}
