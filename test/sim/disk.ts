import {
  type Approval,
  type AuditRecord,
  BursarError,
  type Change,
  type Content,
  type Credential,
  type Delegation,
  type EndUserAccount,
  type KeyRecord,
  type KnownMerchant,
  type LedgerState,
  type MerchantUsage,
  type Operation,
  type Payment,
  type RegisteredInstrument,
  type Removed,
  type Scope,
  type Session,
} from '@bursar/core'
import {
  assertRecorded,
  assertSameApproval,
  assertSameDelegation,
  assertSamePayment,
  assertSameSession,
  auditRecord,
  type Lookups,
  loadState,
  MAX_RECENT_APPROVALS,
} from '@bursar/core/store'

/** The simulated disk, which outlives every process and is shared by all of them. */
export interface Disk {
  readonly sessions: Map<string, Session>
  readonly delegations: Map<string, Delegation>
  readonly payments: Map<string, Payment>
  readonly keys: Map<string, KeyRecord>
  readonly merchants: Map<string, KnownMerchant>
  readonly contents: Map<string, Content>
  readonly instruments: Map<string, RegisteredInstrument>
  readonly approvals: Map<string, Approval>
  readonly credentials: Map<string, Credential>
  readonly operations: Map<string, Operation>
  readonly endUsers: Map<string, EndUserAccount>
  readonly merchantUsages: Map<string, MerchantUsage>
  /** The position of each row in its list, by id, in the order of insertion: 1 for the first. */
  readonly places: Map<string, number>
  /** The ids of archived sessions. */
  readonly archived: Set<string>
  readonly audit: AuditRecord[]
  /** The process whose commits are not durable yet: no other process may write before they are. */
  writer: { readonly isAlive: () => boolean; flush(): void } | undefined
}

export function emptyDisk(): Disk {
  return {
    sessions: new Map(),
    delegations: new Map(),
    payments: new Map(),
    keys: new Map(),
    merchants: new Map(),
    contents: new Map(),
    instruments: new Map(),
    approvals: new Map(),
    credentials: new Map(),
    operations: new Map(),
    endUsers: new Map(),
    merchantUsages: new Map(),
    places: new Map(),
    archived: new Set(),
    audit: [],
    writer: undefined,
  }
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
    places: new Map(disk.places),
    archived: new Set(disk.archived),
    audit: [...disk.audit],
    writer: undefined,
  }
}

/** Returns the newest state of a scope. */
export function load(disk: Disk, scope: Scope): LedgerState {
  return loadState(lookups(disk), scope)
}

function lookups(disk: Disk): Lookups {
  const payments = (): Payment[] => [...disk.payments.values()]
  const newestFirst = (): Approval[] => [...disk.approvals.values()].reverse()
  return {
    session: (id) => disk.sessions.get(id),
    delegation: (id) => disk.delegations.get(id),
    payment: (id) => disk.payments.get(id),
    key: (session, key) => disk.keys.get(keyName(session, key)),
    twin: (delegation, requestHash) =>
      payments().findLast(
        (one) => one.delegation === delegation && one.terms.requestHash === requestHash,
      ),
    ownTwin: ({ id }, requestHash) =>
      payments().findLast((one) => one.session === id && one.terms.requestHash === requestHash),
    merchant: (delegation, host) => disk.merchants.get(merchantName(delegation, host)),
    merchantUsage: (account, host, payee) =>
      disk.merchantUsages.get(usageName({ account, host, payee })),
    instrument: (handle) => disk.instruments.get(handle),
    endUser: (name) => disk.endUsers.get(name),
    delegationsOf: (endUser) =>
      [...disk.delegations.values()].filter((one) => one.endUser === endUser),
    approval: (id) => disk.approvals.get(id),
    latestApproval: (session, termsHash) =>
      newestFirst().find((one) => one.session === session && one.termsHash === termsHash),
    recentApprovals: (root) =>
      newestFirst()
        .filter((one) => one.root === root)
        .slice(0, MAX_RECENT_APPROVALS),
    credential: (id) => disk.credentials.get(id),
    operation: (id) => disk.operations.get(id),
  }
}

/** Writes a change, rows and records together. Throws, and writes nothing, if a row breaks an invariant. */
export function write(disk: Disk, change: Change<unknown>, now: number): void {
  assertRecorded(change)
  assertWhole(disk, change)
  assertFixedFields(disk, change)
  const { delegations = [], sessions = [], payments = [], approvals = [] } = change
  const { credentials = [], removed, events } = change
  for (const { id } of [...delegations, ...sessions, ...payments, ...approvals, ...credentials]) {
    if (!disk.places.has(id)) disk.places.set(id, disk.places.size + 1)
  }
  for (const one of change.instruments ?? []) disk.instruments.set(one.handle, one)
  for (const one of change.delegations ?? []) disk.delegations.set(one.id, one)
  for (const one of change.sessions ?? []) disk.sessions.set(one.id, one)
  for (const one of change.payments ?? []) disk.payments.set(one.id, one)
  for (const one of change.keys ?? []) disk.keys.set(keyName(one.session, one.key), one)
  for (const one of change.merchants ?? []) {
    disk.merchants.set(merchantName(one.delegation, one.host), one)
  }
  for (const one of change.endUsers ?? []) disk.endUsers.set(one.endUser, one)
  for (const one of change.merchantUsages ?? []) disk.merchantUsages.set(usageName(one), one)
  for (const one of change.approvals ?? []) disk.approvals.set(one.id, one)
  for (const one of change.credentials ?? []) disk.credentials.set(one.id, one)
  for (const one of change.operations ?? []) disk.operations.set(one.id, one)
  for (const one of change.contents ?? []) disk.contents.set(one.payment, one)
  if (removed) remove(disk, removed)
  for (const event of events) disk.audit.push(auditRecord(disk.audit.at(-1), now, event))
}

/** Removes the rows of archived sessions. */
function remove(disk: Disk, { records, payments, approvals, sessions }: Removed): void {
  for (const { seq, body } of records) {
    const record = disk.audit[seq - 1]
    if (record) disk.audit[seq - 1] = { ...record, body }
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
  return Math.max(clock(), disk.audit.at(-1)?.at ?? 0)
}

function usageName({ account, host, payee }: Omit<MerchantUsage, 'usage'>): string {
  return `${account} ${host} ${payee}`
}

function keyName(session: string, key: string): string {
  return `${session} ${key}`
}

function merchantName(delegation: string, host: string): string {
  return `${delegation} ${host}`
}
