import { BursarError, type Change, type LedgerState, type Removed, type Scope } from '@bursar/core'
import {
  assertRecorded,
  assertSameApproval,
  assertSameDelegation,
  assertSamePayment,
  assertSameSession,
  auditRecord,
  loadState,
} from '@bursar/core/store'
import {
  emptyLedger,
  ledgerLookups,
  type MemoryLedger,
  rowName,
} from '../../examples/write-your-own/src/memory-ledger.ts'

/** The simulated disk, which outlives every process and is shared by all of them. */
export interface Disk extends MemoryLedger {
  /** The process whose commits are not durable yet: no other process may write before they are. */
  writer: { readonly isAlive: () => boolean; flush(): void } | undefined
}

export function emptyDisk(): Disk {
  return { ...emptyLedger(), writer: undefined }
}

export function copyOf(disk: Disk): Disk {
  return {
    sessions: new Map(disk.sessions),
    delegations: new Map(disk.delegations),
    payments: new Map(disk.payments),
    keys: new Map(disk.keys),
    merchants: new Map(disk.merchants),
    contents: new Map(disk.contents),
    instruments: new Map(disk.instruments),
    approvals: new Map(disk.approvals),
    credentials: new Map(disk.credentials),
    operations: new Map(disk.operations),
    endUsers: new Map(disk.endUsers),
    merchantUsages: new Map(disk.merchantUsages),
    pks: new Map(disk.pks),
    archived: new Set(disk.archived),
    records: [...disk.records],
    writer: undefined,
  }
}

/** Returns the newest state of a scope. */
export function load(disk: Disk, scope: Scope): LedgerState {
  return loadState(ledgerLookups(disk), scope)
}

/** Writes a change, rows and records together. Throws, and writes nothing, if a row breaks an invariant. */
export function write(disk: Disk, change: Change<unknown>, now: number): void {
  assertRecorded(change)
  assertWhole(disk, change)
  assertFixedFields(disk, change)
  const { delegations = [], sessions = [], payments = [], approvals = [] } = change
  const { credentials = [], removed, events } = change
  for (const { id } of [...delegations, ...sessions, ...payments, ...approvals, ...credentials]) {
    if (!disk.pks.has(id)) disk.pks.set(id, BigInt(disk.pks.size + 1))
  }
  for (const one of change.instruments ?? []) disk.instruments.set(one.handle, one)
  for (const one of change.delegations ?? []) disk.delegations.set(one.id, one)
  for (const one of change.sessions ?? []) disk.sessions.set(one.id, one)
  for (const one of change.payments ?? []) disk.payments.set(one.id, one)
  for (const one of change.keys ?? []) disk.keys.set(rowName(one.session, one.key), one)
  for (const one of change.merchants ?? []) {
    disk.merchants.set(rowName(one.delegation, one.host), one)
  }
  for (const one of change.endUsers ?? []) disk.endUsers.set(one.endUser, one)
  for (const one of change.merchantUsages ?? [])
    disk.merchantUsages.set(rowName(one.account, one.host, one.payee), one)
  for (const one of change.approvals ?? []) disk.approvals.set(one.id, one)
  for (const one of change.credentials ?? []) disk.credentials.set(one.id, one)
  for (const one of change.operations ?? []) disk.operations.set(one.id, one)
  for (const one of change.contents ?? []) disk.contents.set(one.payment, one)
  if (removed) remove(disk, removed)
  for (const event of events) disk.records.push(auditRecord(disk.records.at(-1), now, event))
}

/** Removes the rows of archived sessions. */
function remove(disk: Disk, { records, payments, approvals, sessions }: Removed): void {
  for (const { seq, body } of records) {
    const record = disk.records[seq - 1]
    if (record) disk.records[seq - 1] = { ...record, body }
  }
  for (const id of payments) {
    disk.payments.delete(id)
    disk.contents.delete(id)
  }
  for (const [name, one] of disk.keys) {
    const isPinned = one.payment !== undefined && payments.includes(one.payment)
    if (isPinned || sessions.includes(one.session)) disk.keys.delete(name)
  }
  for (const id of approvals) disk.approvals.delete(id)
  for (const id of sessions) {
    disk.sessions.delete(id)
    for (const [name, one] of disk.merchantUsages) {
      if (one.account === id) disk.merchantUsages.delete(name)
    }
    disk.archived.add(id)
  }
}

/** Throws `invariant_broken` if a row refers to a row that is missing or archived. */
function assertWhole(disk: Disk, change: Change<unknown>): void {
  const { sessions = [], payments = [], contents = [] } = change
  if (sessions.some(({ id }) => disk.archived.has(id))) {
    throw new BursarError('invariant_broken', 'A session has the id of one that is archived.')
  }
  const isSession = (id: string): boolean =>
    disk.sessions.has(id) || sessions.some((one) => one.id === id)
  const isPayment = (id: string): boolean =>
    disk.payments.has(id) || payments.some((one) => one.id === id)
  const isWhole =
    payments.every(({ session }) => isSession(session)) &&
    contents.every(({ payment }) => isPayment(payment))
  if (!isWhole) throw new BursarError('invariant_broken', 'A row names what is not there.')
}

/** Throws `invariant_broken` if a row changes a field that is fixed for life. */
function assertFixedFields(disk: Disk, change: Change<unknown>): void {
  const { delegations = [], sessions = [], payments = [], approvals = [] } = change
  for (const one of delegations) assertSameDelegation(disk.delegations.get(one.id) ?? one, one)
  for (const one of sessions) assertSameSession(disk.sessions.get(one.id) ?? one, one)
  for (const one of payments) assertSamePayment(disk.payments.get(one.id) ?? one, one)
  for (const one of approvals) assertSameApproval(disk.approvals.get(one.id) ?? one, one)
}

/** Returns the clock of a ledger, which is never behind its newest record. */
export function nowOf(disk: Disk, clock: () => number): number {
  return Math.max(clock(), disk.records.at(-1)?.at ?? 0)
}
