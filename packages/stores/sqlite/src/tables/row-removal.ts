import type { MerchantUsage, Payment, Removed, Session } from '@bursar/core'
import type { Database, Statement } from '../database/database.ts'
import { merchantUsageId } from './merchant-usage-table.ts'
import type { RowCache } from './row-cache.ts'

/** A function that removes archived rows from the ledger. */
export type RowRemoval = (removed: Removed) => void

/** The caches that a removal drops rows from. */
export interface RemovableRows {
  readonly sessions: RowCache<Session>
  readonly payments: RowCache<Payment>
  readonly merchantUsages: RowCache<MerchantUsage>
}

/** Returns the function that removes archived rows, from the tables and from the caches. */
export function rowRemoval(database: Database, rows: RemovableRows): RowRemoval {
  const shortenRecord = database.statement('UPDATE audit SET body = ? WHERE seq = ?')
  const removeApproval = database.statement('DELETE FROM approvals WHERE id = ?')
  const removePayment = paymentRemoval(database, rows)
  const removeSession = sessionRemoval(database, rows)
  return ({ records, payments, approvals, sessions }) => {
    for (const { seq, body } of records) shortenRecord.run(body, seq)
    for (const id of payments) removePayment(id)
    for (const id of approvals) removeApproval.run(id)
    for (const id of sessions) removeSession(id)
  }
}

function paymentRemoval(database: Database, { payments }: RemovableRows): (id: string) => void {
  const session = '(SELECT session FROM payments WHERE pk = ?1)'
  const statements = prepareRemovals(database, [
    `DELETE FROM keys WHERE session = ${session} AND payment = ?1`,
    // The refusals of the payment's key from before the key was pinned to the payment.
    `DELETE FROM keys WHERE session = ${session}
      AND key = (SELECT key FROM payment_terms WHERE payment = ?1)`,
    'DELETE FROM contents WHERE payment = ?',
    'DELETE FROM payment_outcomes WHERE payment = ?',
    'DELETE FROM payment_terms WHERE payment = ?',
    'DELETE FROM payments WHERE pk = ?',
  ])
  return (id) => {
    const pk = payments.find(id)?.pk
    if (pk === undefined) return
    payments.drop(id)
    for (const statement of statements) statement.run(pk)
  }
}

function sessionRemoval(database: Database, rows: RemovableRows): (id: string) => void {
  const statements = prepareRemovals(database, [
    'DELETE FROM keys WHERE session = ?',
    'DELETE FROM session_terms WHERE session = ?',
    'DELETE FROM sessions WHERE pk = ?',
  ])
  const listUsages = database.statement('SELECT host, payee FROM merchant_usages WHERE account = ?')
  const removeUsages = database.statement('DELETE FROM merchant_usages WHERE account = ?')
  const keepId = database.statement('INSERT INTO archived_sessions VALUES (?)')
  return (id) => {
    const pk = rows.sessions.find(id)?.pk
    if (pk === undefined) return
    rows.sessions.drop(id)
    for (const statement of statements) statement.run(pk)
    for (const { host, payee } of listUsages.all(id)) {
      rows.merchantUsages.drop(merchantUsageId(id, host as string, payee as string))
    }
    removeUsages.run(id)
    keepId.run(id)
  }
}

function prepareRemovals(database: Database, texts: readonly string[]): readonly Statement[] {
  return texts.map((text) => database.statement(text))
}
