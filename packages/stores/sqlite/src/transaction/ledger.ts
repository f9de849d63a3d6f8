import type { Change, LedgerState, Scope } from '@bursar/core'
import { loadState } from '@bursar/core/store'
import { type Database, rollBackDatabase, type Statement } from '../database/database.ts'
import type { AuditTable } from '../tables/audit-table.ts'
import type { ContentTable } from '../tables/content-table.ts'
import type { RowCache } from '../tables/row-cache.ts'
import { rowRemoval } from '../tables/row-removal.ts'
import { ledgerLookups } from './ledger-lookups.ts'
import { cachedRows, ledgerRows } from './ledger-rows.ts'
import { writeChange } from './write-change.ts'

/**
 * The ledger in one connection: its transactions, and the rows that are loaded and written in them.
 *
 * Everything here is synchronous. The queue decides when a transaction begins and which commits share
 * it.
 */
export interface Ledger {
  readonly audit: AuditTable
  readonly contents: ContentTable
  /** Takes the write lock. Throws SQLite's busy error at once if another connection has it. */
  begin(): void
  /** Begins a consistent read, which `end` ends. */
  beginRead(): void
  end(): void
  load(scope: Scope): LedgerState
  /** Writes the rows and the records of a change. Updates of rows wait for `flush`. */
  write(change: Change<unknown>, now: number): void
  flush(): void
  commit(): void
  rollback(): void
  close(): void
}

/** Returns the ledger of an open database. */
export function openLedger(database: Database): Ledger {
  const cached = cachedRows(database)
  const caches = Object.values(cached) as readonly RowCache<unknown>[]
  const rows = ledgerRows(database, cached)
  const { audit, contents, approvals } = rows
  const lookups = ledgerLookups(database, rows)
  const removeRows = rowRemoval(database, rows)
  const dataVersion = database.statement('PRAGMA data_version')
  const beginWrite = database.statement('BEGIN IMMEDIATE')
  const beginRead = database.statement('BEGIN')
  const commit = database.statement('COMMIT')
  let cachedVersion: unknown
  const clear = (): void => {
    for (const cache of caches) cache.clear()
    audit.clear()
    approvals.clear()
  }
  /** Clears the caches if another connection has written since they were filled. */
  const refresh = (): void => {
    const version = dataVersion.get()?.data_version
    if (version !== cachedVersion) clear()
    cachedVersion = version
  }
  const rollback = (): void => {
    rollBackDatabase(database)
    clear()
  }
  const begin = (statement: Statement): void => {
    statement.run()
    try {
      refresh()
    } catch (error) {
      rollback()
      throw error
    }
  }
  return {
    audit,
    contents,
    begin: () => begin(beginWrite),
    beginRead: () => begin(beginRead),
    end: () => void commit.run(),
    load: (scope) => loadState(lookups, scope),
    write: (change, now) => writeChange(rows, removeRows, change, now),
    flush() {
      for (const cache of caches) cache.flush()
      audit.flush()
    },
    commit() {
      commit.run()
      for (const cache of caches) cache.trim()
    },
    rollback,
    close: () => database.close(),
  }
}
