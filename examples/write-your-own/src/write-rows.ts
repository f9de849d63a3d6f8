import { BursarError, type Change, type Removed } from '@bursar/core'
import {
  assertSameApproval,
  assertSameDelegation,
  assertSameEndUser,
  assertSamePayment,
  assertSameSession,
  auditRecord,
} from '@bursar/core/store'
import { type MemoryLedger, rowName } from './memory-ledger.ts'

/** Writes a change and its records. Throws `invariant_broken`, and writes nothing, for bad rows. */
export function writeRows(ledger: MemoryLedger, change: Change<unknown>, now: number): void {
  assertFixedFields(ledger, change)
  assertReferences(ledger, change)
  numberRows(ledger, change)
  for (const one of change.delegations ?? []) ledger.delegations.set(one.id, one)
  for (const one of change.sessions ?? []) ledger.sessions.set(one.id, one)
  for (const one of change.payments ?? []) ledger.payments.set(one.id, one)
  for (const one of change.keys ?? []) ledger.keys.set(rowName(one.session, one.key), one)
  for (const one of change.merchants ?? []) {
    ledger.merchants.set(rowName(one.delegation, one.host), one)
  }
  for (const one of change.merchantUsages ?? []) {
    ledger.merchantUsages.set(rowName(one.account, one.host, one.payee), one)
  }
  for (const one of change.contents ?? []) ledger.contents.set(one.payment, one)
  for (const one of change.instruments ?? []) ledger.instruments.set(one.handle, one)
  for (const one of change.endUsers ?? []) ledger.endUsers.set(one.endUser, one)
  for (const one of change.approvals ?? []) ledger.approvals.set(one.id, one)
  for (const one of change.credentials ?? []) ledger.credentials.set(one.id, one)
  for (const one of change.operations ?? []) ledger.operations.set(one.id, one)
  if (change.removed) removeRows(ledger, change.removed)
  for (const event of change.events) {
    ledger.records.push(auditRecord(ledger.records.at(-1), now, event))
  }
}

/** Throws if a row changes a field that it keeps for life. */
function assertFixedFields(ledger: MemoryLedger, change: Change<unknown>): void {
  const { delegations = [], sessions = [], payments = [], endUsers = [], approvals = [] } = change
  for (const one of delegations) assertSameDelegation(ledger.delegations.get(one.id) ?? one, one)
  for (const one of sessions) assertSameSession(ledger.sessions.get(one.id) ?? one, one)
  for (const one of payments) assertSamePayment(ledger.payments.get(one.id) ?? one, one)
  for (const one of endUsers) assertSameEndUser(ledger.endUsers.get(one.endUser) ?? one, one)
  for (const one of approvals) assertSameApproval(ledger.approvals.get(one.id) ?? one, one)
}

/** Throws if a row names one that is not there, or a session has the id of an archived one. */
function assertReferences(
  ledger: MemoryLedger,
  { sessions = [], payments = [], contents = [] }: Change<unknown>,
): void {
  const isWhole =
    sessions.every(({ id }) => !ledger.archived.has(id)) &&
    payments.every(({ session }) => hasRow(ledger.sessions, sessions, session)) &&
    contents.every(({ payment }) => hasRow(ledger.payments, payments, payment))
  if (!isWhole) throw new BursarError('invariant_broken', 'A row names one that is not there.')
}

function hasRow(
  table: ReadonlyMap<string, unknown>,
  written: readonly { readonly id: string }[],
  id: string,
): boolean {
  return table.has(id) || written.some((one) => one.id === id)
}

/** Gives each new row that is listed the next key. */
function numberRows({ pks }: MemoryLedger, change: Change<unknown>): void {
  const { delegations = [], sessions = [], payments = [], approvals = [] } = change
  const rows = [...delegations, ...sessions, ...payments, ...approvals]
  for (const { id } of [...rows, ...(change.credentials ?? [])]) {
    if (!pks.has(id)) pks.set(id, BigInt(pks.size + 1))
  }
}

function removeRows(ledger: MemoryLedger, removed: Removed): void {
  for (const { seq, body } of removed.records) {
    const record = ledger.records[seq - 1]
    if (record) ledger.records[seq - 1] = { ...record, body }
  }
  for (const id of removed.payments) {
    ledger.payments.delete(id)
    ledger.contents.delete(id)
  }
  for (const id of removed.approvals) ledger.approvals.delete(id)
  for (const id of removed.sessions) {
    ledger.sessions.delete(id)
    ledger.archived.add(id)
  }
  const gone = new Set([...removed.sessions, ...removed.payments])
  for (const [name, { session, payment = '' }] of ledger.keys) {
    if (gone.has(session) || gone.has(payment)) ledger.keys.delete(name)
  }
  for (const [name, { account }] of ledger.merchantUsages) {
    if (gone.has(account)) ledger.merchantUsages.delete(name)
  }
}
