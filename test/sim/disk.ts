import {
  type Approval,
  type AuditRecord,
  auditRecord,
  BursarError,
  type Change,
  type Content,
  type Credential,
  type Delegation,
  type EndUserAccount,
  type KeyRecord,
  type KnownMerchant,
  type LedgerState,
  MAX_RECENT_APPROVALS,
  type MerchantUsage,
  type Operation,
  type Payment,
  type RegisteredInstrument,
  type Removed,
  type Scope,
  type Session,
} from '@bursar/core'

/** What is on the disk: it survives every process, and all of them share it. */
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
  /** Where each row stands in its list, by its id, in the order that they came: 1 for the first. */
  readonly places: Map<string, number>
  /** Ids of sessions that are in an archive. */
  readonly archived: Set<string>
  readonly audit: AuditRecord[]
  /** Who has run commits that are not durable yet: nobody else can write before they are. */
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

/** The newest state of what a scope names. */
export function load(disk: Disk, scope: Scope): LedgerState {
  const named = scope.payment === undefined ? undefined : disk.payments.get(scope.payment)
  const asked = disk.approvals.get(scope.approval ?? '')
  const session = disk.sessions.get(scope.session ?? named?.session ?? asked?.session ?? '')
  const key =
    session && scope.key !== undefined ? disk.keys.get(keyName(session.id, scope.key)) : undefined
  const payment = scope.payment === undefined ? disk.payments.get(key?.payment ?? '') : named
  const delegation = disk.delegations.get(scope.delegation ?? session?.delegation ?? '')
  const twins = [...disk.payments.values()].filter(
    (one) => one.delegation === delegation?.id && one.terms.requestHash === scope.requestHash,
  )
  const twin = twins.at(-1)
  const ownTwin = twins.findLast((one) => one.session === session?.id)
  const merchant =
    delegation && scope.host !== undefined
      ? disk.merchants.get(merchantName(delegation.id, scope.host))
      : undefined
  const instrument = disk.instruments.get(scope.instrument ?? '')
  const endUser = disk.endUsers.get(delegation?.endUser ?? scope.endUser ?? '')
  const ancestors = ancestorsOf(disk, session)
  const granted = [...disk.delegations.values()].filter((one) => one.endUser === scope.endUser)
  return {
    ...(session && { session }),
    ancestors,
    ...(delegation && { delegation }),
    ...(endUser && { endUser }),
    ...(scope.endUser === undefined ? {} : { delegations: granted }),
    ...usagesOf(disk, [session, ...ancestors, delegation, endUser], scope),
    ...(payment && { payment }),
    ...(key && { key }),
    ...(twin && { twin }),
    ...(ownTwin && ownTwin !== twin && { ownTwin }),
    ...(merchant && { merchant }),
    ...(instrument && { instrument }),
    ...approvalsOf(disk, scope, session, ancestors, asked),
    ...serviceRows(disk, scope),
  }
}

/** Writes a change, rows and records together. Throws, and writes nothing, if it has no record. */
export function write(disk: Disk, change: Change<unknown>, now: number): void {
  const { result: _result, events, ...rows } = change
  const { removed, ...written } = rows
  const all = [...Object.values(written), ...Object.values(removed ?? {})]
  if (events.length === 0 && all.some((some) => some && some.length > 0)) {
    throw new BursarError('invariant_broken', 'Rows were to be written without a record.')
  }
  assertWhole(disk, change)
  const { delegations = [], sessions = [], payments = [], approvals = [] } = change
  const { credentials = [] } = change
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

/** Rows that are in an archive leave. */
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

/** What a row names has to be there. */
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

/** The clock of a ledger: never behind what was recorded last. */
export function nowOf(disk: Disk, clock: () => number): number {
  return Math.max(clock(), disk.audit.at(-1)?.at ?? 0)
}

function usagesOf(
  disk: Disk,
  line: readonly (Pick<Session, 'id' | 'limits'> | undefined)[],
  { host, payee }: Scope,
): Pick<LedgerState, 'merchantUsages'> {
  const limited = line.flatMap((one) => (one?.limits.perMerchant ? [one.id] : []))
  if (host === undefined || payee === undefined || limited.length === 0) return {}
  return {
    merchantUsages: limited.flatMap(
      (account) => disk.merchantUsages.get(usageName({ account, host, payee })) ?? [],
    ),
  }
}

function usageName({ account, host, payee }: Omit<MerchantUsage, 'usage'>): string {
  return `${account} ${host} ${payee}`
}

function approvalsOf(
  disk: Disk,
  { termsHash }: Scope,
  session: Session | undefined,
  ancestors: readonly Session[],
  asked: Approval | undefined,
): Pick<LedgerState, 'approval' | 'recentApprovals'> {
  if (!session || termsHash === undefined) return asked ? { approval: asked } : {}
  const { id: root } = ancestors.at(-1) ?? session
  const newest = [...disk.approvals.values()].filter((one) => one.root === root).reverse()
  const isOwn = (one: Approval): boolean =>
    one.session === session.id && one.termsHash === termsHash
  const approval = asked ?? newest.find(isOwn)
  const recentApprovals = newest.slice(0, MAX_RECENT_APPROVALS)
  return { ...(approval && { approval }), recentApprovals }
}

function serviceRows(disk: Disk, scope: Scope): Pick<LedgerState, 'credential' | 'operation'> {
  const credential = disk.credentials.get(scope.credential ?? '')
  const operation = disk.operations.get(scope.operation ?? '')
  return { ...(credential && { credential }), ...(operation && { operation }) }
}

function ancestorsOf(disk: Disk, session: Session | undefined): Session[] {
  const parent = disk.sessions.get(session?.parent ?? '')
  return parent ? [parent, ...ancestorsOf(disk, parent)] : []
}

function keyName(session: string, key: string): string {
  return `${session} ${key}`
}

function merchantName(delegation: string, host: string): string {
  return `${delegation} ${host}`
}
