import type { MerchantUsage, Payment, Removed, Session } from '@bursar/core'
import type { Database } from '../database/database.ts'
import { merchantUsageId } from './merchant-usage-table.ts'
import type { Entries } from './row-cache.ts'

/** Removes rows that are in an archive. */
export type Removal = (removed: Removed) => void

/** What of the rows in memory a removal has to forget. */
export interface RemovableRows {
  readonly sessions: Entries<Session>
  readonly payments: Entries<Payment>
  readonly merchantUsages: Entries<MerchantUsage>
}

export function removal(database: Database, rows: RemovableRows): Removal {
  const shorten = database.statement('UPDATE audit SET body = ? WHERE seq = ?')
  const ofPayment = [
    'DELETE FROM contents WHERE payment = ?',
    'DELETE FROM payment_outcomes WHERE payment = ?',
    'DELETE FROM payment_terms WHERE payment = ?',
  ].map((sql) => database.statement(sql))
  const session = '(SELECT session FROM payments WHERE pk = ?1)'
  const keysOfPayment = [
    `DELETE FROM keys WHERE session = ${session} AND payment = ?1`,
    // What its key was refused before it was pinned to the payment.
    `DELETE FROM keys WHERE session = ${session}
      AND key = (SELECT key FROM payment_terms WHERE payment = ?1)`,
  ].map((sql) => database.statement(sql))
  const payment = database.statement('DELETE FROM payments WHERE pk = ?')
  const approval = database.statement('DELETE FROM approvals WHERE id = ?')
  const ofSession = [
    'DELETE FROM keys WHERE session = ?',
    'DELETE FROM session_terms WHERE session = ?',
    'DELETE FROM sessions WHERE pk = ?',
  ].map((sql) => database.statement(sql))
  const usagesOf = database.statement('SELECT host, payee FROM merchant_usages WHERE account = ?')
  const usages = database.statement('DELETE FROM merchant_usages WHERE account = ?')
  const tombstone = database.statement('INSERT INTO archived_sessions VALUES (?)')
  return ({ records, payments, approvals, sessions }) => {
    for (const { seq, body } of records) shorten.run(body, seq)
    for (const id of payments) {
      const pk = rows.payments.find(id)?.pk
      if (pk === undefined) continue
      rows.payments.forget(id)
      for (const statement of keysOfPayment) statement.run(pk)
      for (const statement of ofPayment) statement.run(pk)
      payment.run(pk)
    }
    for (const id of approvals) approval.run(id)
    for (const id of sessions) {
      const pk = rows.sessions.find(id)?.pk
      if (pk === undefined) continue
      rows.sessions.forget(id)
      for (const statement of ofSession) statement.run(pk)
      for (const { host, payee } of usagesOf.all(id)) {
        rows.merchantUsages.forget(merchantUsageId(id, host as string, payee as string))
      }
      usages.run(id)
      tombstone.run(id)
    }
  }
}
