import type { AuditRecord, Change, Content, LedgerState, Removed, Scope } from '@bursar/core'
import { auditRecord, loadState } from '@bursar/core/store'
import type { ChainEnd } from '../tables/audit-table.ts'
import { ledgerLookups } from './ledger-lookups.ts'
import { emptyLedgerRows, type LedgerRows } from './ledger-rows.ts'
import { putChange, putRemoval } from './put-change.ts'

/**
 * All rows of one transaction: as they were loaded, and as its changes have left them, one after
 * another. Everything here is synchronous, and nothing is sent to the database.
 */
export interface TransactionRows extends LedgerRows {
  /** Contents to write, by the ids of their payments. */
  readonly contents: Map<string, Content>
  /** The primary keys of new payments, by the payments' ids. */
  readonly paymentKeys: Map<string, string>
  /** Rows to remove, change by change. */
  readonly removed: Removed[]
  /** Records to append. */
  readonly records: AuditRecord[]
  /** Throws `RowsNotLoaded` if the transaction has to load more rows. */
  state(scope: Scope): LedgerState
  /** Throws `RowsNotLoaded` if the transaction has to load more rows. */
  write(change: Change<unknown>, now: number): void
  /** Returns the time of the newest record, those of this transaction included. */
  lastAt(): number
}

/** Returns the rows of a transaction that begins behind the last record of the chain. */
export function transactionRows(end: ChainEnd): TransactionRows {
  const rows = emptyLedgerRows()
  const lookups = ledgerLookups(rows)
  const records: AuditRecord[] = []
  const contents = new Map<string, Content>()
  const removed: Removed[] = []
  return {
    ...rows,
    records,
    contents,
    paymentKeys: new Map(),
    removed,
    state: (scope) => loadState(lookups, scope),
    write(change, now) {
      putChange(rows, change)
      for (const content of change.contents ?? []) contents.set(content.payment, content)
      if (change.removed) {
        putRemoval(rows, change.removed)
        for (const id of change.removed.payments) contents.delete(id)
        removed.push(change.removed)
      }
      for (const event of change.events) {
        const previous = records.at(-1) ?? (end.seq === 0 ? undefined : end)
        records.push(auditRecord(previous, now, event))
      }
    },
    lastAt: () => records.at(-1)?.at ?? end.at,
  }
}
