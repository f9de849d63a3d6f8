import { BursarError, type Store } from '@bursar/core'
import { pageBounds } from '@bursar/core/store'
import type { Database } from './database/database.ts'
import { openDatabase } from './database/open-database.ts'
import { commitQueue, type QueueOptions } from './queue/commit-queue.ts'
import { pages } from './tables/pages.ts'
import { openLedger } from './transaction/ledger.ts'

/** What `sqliteStore` takes. */
export interface SqliteStoreOptions {
  /** The file, made if it is missing; its directory has to exist. `':memory:'` for a test. */
  readonly path: string
  /** Milliseconds since the epoch; `Date.now` unless a test has a clock of its own. */
  readonly clock?: (() => number) | undefined
}

/**
 * The ledger and the audit trail in one SQLite file, by `node:sqlite`.
 *
 * Opens at once: a file that cannot be used throws before anything is paid, with one of the codes
 * `store_unavailable`, `store_readonly`, `store_locked` and `store_schema_newer`. A commit that
 * cannot be written is rejected with `store_failed`, and nothing of it is there; the store goes on.
 * Several processes may use one file, and stay correct; one that writes is fastest.
 *
 * ```ts
 * const store = sqliteStore({ path: 'bursar.db' })
 * ```
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  const { path, clock } = validate(options)
  return storeOn(openDatabase(path), { path, clock })
}

/** The store over a database that is open. */
export function storeOn(database: Database, options: QueueOptions): Store {
  const ledger = openLedger(database)
  const lists = pages(database, ledger.audit)
  const queue = commitQueue(ledger, options)
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

function validate(options: SqliteStoreOptions): { path: string; clock: () => number } {
  const { path, clock = Date.now } = options ?? {}
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new BursarError('invalid_input', 'sqliteStore: path: must be the path of a file.')
  }
  if (typeof clock !== 'function') {
    throw new BursarError('invalid_input', 'sqliteStore: clock: must be a function.')
  }
  return { path, clock: () => wholeMs(clock()) }
}

/** A clock that is broken must not decide about an expiry. */
function wholeMs(at: number): number {
  const ms = Math.floor(at)
  if (Number.isSafeInteger(ms) && ms >= 0) return ms
  throw new BursarError('invalid_input', `sqliteStore: clock: returned ${String(at)}.`)
}
