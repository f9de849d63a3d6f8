import {
  type Approval,
  BursarError,
  type Change,
  type Delegation,
  type Payment,
  type Removed,
} from '@bursar/core'
import {
  assertSameApproval,
  assertSameDelegation,
  assertSameEndUser,
  assertSamePayment,
  assertSameSession,
  isOverrun,
  MAX_RECENT_APPROVALS,
} from '@bursar/core/store'
import type { Entry } from '../tables/entry.ts'
import type { LedgerRows } from './ledger-rows.ts'
import { pairId } from './row-ids.ts'

/**
 * Puts the rows of a change into those of its transaction.
 *
 * Throws `invariant_broken` if a row names one that is not there or changes a fixed field, and
 * `RowsNotLoaded` if that cannot be decided yet.
 */
export function putChange(rows: LedgerRows, change: Change<unknown>): void {
  const { sessions, delegations, payments } = rows
  const overrun = isOverrun(change)
  for (const instrument of change.instruments ?? []) rows.instruments.put(instrument, false)
  for (const account of change.endUsers ?? []) {
    checkChangeAgainstStored(rows.endUsers.put(account, overrun), assertSameEndUser)
  }
  for (const delegation of change.delegations ?? []) putDelegation(rows, delegation, overrun)
  for (const usage of change.merchantUsages ?? []) rows.merchantUsages.put(usage, overrun)
  for (const session of change.sessions ?? []) {
    delegations.need(session.delegation)
    if (session.parent !== undefined) sessions.need(session.parent)
    checkChangeAgainstStored(sessions.put(session, overrun), assertSameSession)
  }
  for (const payment of change.payments ?? []) putPayment(rows, payment)
  for (const record of change.keys ?? []) {
    sessions.need(record.session)
    if (record.payment !== undefined) payments.need(record.payment)
    rows.keys.put(record, false)
  }
  for (const merchant of change.merchants ?? []) {
    delegations.need(merchant.delegation)
    rows.merchants.put(merchant, false)
  }
  for (const approval of change.approvals ?? []) putApproval(rows, approval)
  for (const credential of change.credentials ?? []) rows.credentials.put(credential, false)
  for (const operation of change.operations ?? []) rows.operations.put(operation, false)
  for (const { payment } of change.contents ?? []) payments.need(payment)
}

/** Takes removed rows out, with what the same transaction has written about them before. */
export function putRemoval(rows: LedgerRows, removed: Removed): void {
  for (const id of removed.payments) rows.payments.remove(id)
  for (const id of removed.approvals) rows.approvals.remove(id)
  for (const id of removed.sessions) rows.sessions.remove(id)
  const gone = new Set([...removed.sessions, ...removed.payments])
  for (const { value } of [...rows.keys.entries()]) {
    const { session, key, payment = '' } = value
    if (gone.has(session) || gone.has(payment)) rows.keys.remove(pairId(session, key))
  }
}

function checkChangeAgainstStored<Noun>(
  { stored, value }: Entry<Noun>,
  assertSame: (stored: Noun, next: Noun) => void,
): void {
  if (stored !== undefined) assertSame(stored, value)
}

function putDelegation(
  { delegations, grants }: LedgerRows,
  delegation: Delegation,
  overrun: boolean,
): void {
  const { id, endUser } = delegation
  const isNew = !delegations.has(id)
  checkChangeAgainstStored(delegations.put(delegation, overrun), assertSameDelegation)
  // Grants that are not in memory have it once they are loaded.
  if (!isNew || !grants.has(endUser)) return
  const before = grants.find(endUser)?.value.delegations ?? []
  grants.put({ endUser, delegations: [...before, id] }, false)
}

function putPayment(rows: LedgerRows, payment: Payment): void {
  const { id, session, delegation, endUser, terms } = payment
  rows.sessions.need(session)
  if (rows.delegations.need(delegation).value.endUser !== endUser) {
    throw new BursarError('invariant_broken', `${endUser} is not the end user of ${delegation}.`)
  }
  const isNew = !rows.payments.has(id)
  checkChangeAgainstStored(rows.payments.put(payment, payment.overrun), assertSamePayment)
  // A payment that is written again is not a later one for that.
  if (!isNew) return
  const { requestHash } = terms
  rows.twins.put({ delegation, requestHash, payment: id }, false)
  rows.ownTwins.put({ session, requestHash, payment: id }, false)
}

function putApproval(rows: LedgerRows, approval: Approval): void {
  const { id, session, root, termsHash } = approval
  rows.sessions.need(session)
  const isNew = !rows.approvals.has(id)
  checkChangeAgainstStored(rows.approvals.put(approval, false), assertSameApproval)
  if (!isNew) return
  rows.latestApprovals.put({ session, termsHash, approval: id }, false)
  // Recent approvals that are not in memory have it once they are loaded.
  if (!rows.recentApprovals.has(root)) return
  const newest = [id, ...(rows.recentApprovals.find(root)?.value.approvals ?? [])]
  rows.recentApprovals.put({ root, approvals: newest.slice(0, MAX_RECENT_APPROVALS) }, false)
}
