import type { Change } from '@bursar/core'
import { isOverrun, isOwnKey } from '@bursar/core/store'
import type { RowRemoval } from '../tables/row-removal.ts'
import type { LedgerRows } from './ledger-rows.ts'

/** Writes the rows and the records of a change. Updates of cached rows wait for `flush`. */
export function writeChange(
  rows: LedgerRows,
  removeRows: RowRemoval,
  change: Change<unknown>,
  now: number,
): void {
  const overrun = isOverrun(change)
  for (const instrument of change.instruments ?? []) rows.instruments.put(instrument)
  for (const delegation of change.delegations ?? []) rows.delegations.put(delegation, overrun)
  for (const session of change.sessions ?? []) rows.sessions.put(session, overrun)
  writePayments(rows, change)
  for (const merchant of change.merchants ?? []) rows.merchants.put(merchant, false)
  for (const account of change.endUsers ?? []) rows.endUsers.put(account, overrun)
  for (const usage of change.merchantUsages ?? []) rows.merchantUsages.put(usage, overrun)
  for (const approval of change.approvals ?? []) {
    const { session, root } = approval
    rows.approvals.put(approval, rows.sessions.key(session), rows.sessions.key(root))
  }
  for (const credential of change.credentials ?? []) rows.credentials.put(credential)
  for (const operation of change.operations ?? []) rows.operations.put(operation)
  for (const content of change.contents ?? []) {
    rows.contents.put(rows.payments.key(content.payment), content)
  }
  if (change.removed) {
    // The removal shortens records, which may be among those that were just appended.
    rows.audit.flush()
    removeRows(change.removed)
  }
  for (const event of change.events) rows.audit.append(now, event)
}

/** Writes payments, and the idempotency keys that are not kept with their own payment. */
function writePayments(
  { sessions, payments, keys }: LedgerRows,
  { payments: written = [], keys: records = [] }: Change<unknown>,
): void {
  for (const payment of written) {
    const holdsKey = records.some((record) => isOwnKey(record, payment))
    payments.put(payment, payment.overrun, holdsKey)
  }
  for (const record of records) {
    if (written.some((payment) => isOwnKey(record, payment))) continue
    const payment = record.payment === undefined ? undefined : payments.key(record.payment)
    keys.put(sessions.key(record.session), payment, record)
  }
}
