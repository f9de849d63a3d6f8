import {
  type Approval,
  BursarError,
  type Change,
  type Delegation,
  type EndUserAccount,
  isOverrun,
  isOwnKey,
  type KnownMerchant,
  type LedgerState,
  type MerchantUsage,
  type Payment,
  type Scope,
  type Session,
} from '@bursar/core'
import { type Database, type Row, rollBack, type Statement } from '../database/database.ts'
import { type ApprovalTable, approvalTable } from '../tables/approval-table.ts'
import { type AuditTable, auditTable } from '../tables/audit-table.ts'
import { type CredentialTable, credentialTable } from '../tables/credential-table.ts'
import { delegationTable } from '../tables/delegation-table.ts'
import { endUserTable } from '../tables/end-user-table.ts'
import { merchantId, merchantTable } from '../tables/merchant-table.ts'
import { merchantUsageId, merchantUsageTable } from '../tables/merchant-usage-table.ts'
import { headOf, paymentTable } from '../tables/payment-table.ts'
import { type Removal, removal } from '../tables/removal.ts'
import { type Entries, type Entry, entries } from '../tables/row-cache.ts'
import { sessionTable } from '../tables/session-table.ts'
import { type SmallTables, smallTables } from '../tables/small-tables.ts'

/**
 * The ledger in one connection: transactions, and what is loaded and written inside them.
 * Everything here is synchronous; when and with whom a transaction is shared is the queue's matter.
 */
export interface Ledger {
  readonly tables: SmallTables
  readonly audit: AuditTable
  readonly approvals: ApprovalTable
  readonly credentials: CredentialTable
  /** Takes the write lock. Throws SQLite's busy error at once where another connection has it. */
  begin(): void
  /** Begins a consistent read. `end` ends it. */
  beginRead(): void
  end(): void
  load(scope: Scope): LedgerState
  /** Writes a change's rows and records; rows that are updated wait for `flush`. */
  write(change: Change<unknown>, now: number): void
  flush(): void
  commit(): void
  rollback(): void
  close(): void
}

interface Rows {
  readonly sessions: Entries<Session>
  readonly delegations: Entries<Delegation>
  readonly payments: Entries<Payment>
  readonly merchants: Entries<KnownMerchant>
  readonly endUsers: Entries<EndUserAccount>
  readonly merchantUsages: Entries<MerchantUsage>
}

export function openLedger(database: Database): Ledger {
  const rows = openRows(database)
  const all = Object.values(rows) as readonly Entries<unknown>[]
  const tables = smallTables(database)
  const audit = auditTable(database)
  const approvals = approvalTable(database)
  const credentials = credentialTable(database)
  const others = { ...tables, approvals, credentials }
  const dataVersion = database.statement('PRAGMA data_version')
  const beginWrite = database.statement('BEGIN IMMEDIATE')
  const beginRead = database.statement('BEGIN')
  const commit = database.statement('COMMIT')
  let seen: unknown
  const forget = (): void => {
    for (const one of all) one.clear()
    audit.clear()
    approvals.clear()
  }
  /** Inside a transaction: what is in memory holds as long as nobody else has written. */
  const refresh = (): void => {
    const version = dataVersion.get()?.data_version
    if (version !== seen) forget()
    seen = version
  }
  const rollback = (): void => {
    rollBack(database)
    forget()
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
    tables,
    audit,
    approvals,
    credentials,
    begin: () => begin(beginWrite),
    beginRead: () => begin(beginRead),
    end: () => void commit.run(),
    load: loader(database, rows, others),
    write: writer(rows, others, audit, removal(database, rows)),
    flush() {
      for (const one of all) one.flush()
      audit.flush()
    },
    commit() {
      commit.run()
      for (const one of all) one.trim()
    },
    rollback,
    close: () => database.close(),
  }
}

function openRows(database: Database): Rows {
  const delegations = entries(delegationTable(database))
  const sessions: Entries<Session> = entries(
    sessionTable(database, {
      delegation: (id) => delegations.key(id),
      session: (id) => sessions.key(id),
    }),
  )
  const payments = entries(
    paymentTable(database, {
      session: (id) => sessions.key(id),
      delegation(id, endUser) {
        const key = delegations.key(id)
        if (delegations.find(id)?.value.endUser === endUser) return key
        throw new BursarError('invariant_broken', `${endUser} is not the end user of ${id}.`)
      },
    }),
  )
  const merchants = entries(merchantTable(database, (id) => delegations.key(id)))
  const endUsers = entries(endUserTable(database))
  const merchantUsages = entries(merchantUsageTable(database))
  return { sessions, delegations, payments, merchants, endUsers, merchantUsages }
}

type Tables = SmallTables & Pick<Ledger, 'approvals' | 'credentials'>

function loader(database: Database, rows: Rows, tables: Tables): Ledger['load'] {
  const { sessions, delegations, payments } = rows
  const twinsOf = twinLoader(database, payments)
  const ofEndUser = database.statement('SELECT id FROM delegations WHERE end_user = ? ORDER BY pk')
  const delegationsOf = (endUser: string): Delegation[] =>
    ofEndUser.all(endUser).flatMap((row) => delegations.find(row.id as string)?.value ?? [])
  const ancestorsOf = (session: Session | undefined): Session[] => {
    const found: Session[] = []
    let next = session?.parent
    while (next !== undefined) {
      const parent = sessions.find(next)?.value
      if (parent) found.push(parent)
      next = parent?.parent
    }
    return found
  }
  const recentOf = ({ id }: Session) => tables.approvals.recent(sessions.key(id))
  return (scope) => {
    const named = scope.payment === undefined ? undefined : payments.find(scope.payment)?.value
    const asked = scope.approval === undefined ? undefined : tables.approvals.find(scope.approval)
    const sessionId = scope.session ?? named?.session ?? asked?.session
    const sessionEntry = sessionId === undefined ? undefined : sessions.find(sessionId)
    const session = sessionEntry?.value
    const keyed =
      sessionEntry && scope.key !== undefined
        ? tables.keyRecord(sessionEntry.pk, scope.key)
        : undefined
    const key = keyed && session && { session: session.id, ...keyed }
    const pinned = key?.payment === undefined ? undefined : payments.find(key.payment)?.value
    const payment = scope.payment === undefined ? pinned : named
    const delegationId = scope.delegation ?? session?.delegation
    const delegationEntry = delegationId === undefined ? undefined : delegations.find(delegationId)
    const delegation = delegationEntry?.value
    const merchant =
      delegation && scope.host !== undefined
        ? rows.merchants.find(merchantId(delegation.id, scope.host))?.value
        : undefined
    const instrument =
      scope.instrument === undefined ? undefined : tables.instrument(scope.instrument)
    const approval = asked ?? latestApproval(tables, sessionEntry?.pk, scope)
    const endUserName = delegation?.endUser ?? scope.endUser
    const endUser = endUserName === undefined ? undefined : rows.endUsers.find(endUserName)?.value
    const ancestors = ancestorsOf(session)
    const line = [session, ...ancestors, delegation, endUser]
    return {
      ...(session && { session }),
      ancestors,
      ...(delegation && { delegation }),
      ...(endUser && { endUser }),
      ...(scope.endUser === undefined ? {} : { delegations: delegationsOf(scope.endUser) }),
      ...merchantUsagesOf(rows, line, scope),
      ...(payment && { payment }),
      ...(key && { key }),
      ...twinsOf(delegationEntry?.pk, sessionEntry, scope),
      ...(merchant && { merchant }),
      ...(instrument && { instrument }),
      ...(approval && { approval }),
      ...(session && scope.termsHash !== undefined
        ? { recentApprovals: recentOf(ancestors.at(-1) ?? session) }
        : {}),
      ...serviceRows(tables, scope),
    }
  }
}

type TwinsOf = (
  delegation: bigint | undefined,
  session: Entry<Session> | undefined,
  scope: Scope,
) => Pick<LedgerState, 'twin' | 'ownTwin'>

/** The delegation's latest payment for a request, and the session's own where that is another's. */
function twinLoader(database: Database, payments: Entries<Payment>): TwinsOf {
  const latest = (condition: string): Statement =>
    database.statement(`SELECT p.id FROM payments p JOIN payment_terms t ON t.payment = p.pk
      WHERE p.delegation = ? AND p.request_head = ? AND t.request_hash = ? ${condition}
      ORDER BY p.pk DESC LIMIT 1`)
  const ofDelegation = latest('')
  const ofSession = latest('AND p.session = ?')
  const found = (row: Row | undefined): Payment | undefined =>
    row && payments.find(row.id as string)?.value
  return (delegation, session, { requestHash: hash }) => {
    if (delegation === undefined || hash === undefined) return {}
    const head = headOf(hash)
    const twin = found(ofDelegation.get(delegation, head, hash))
    if (!twin || !session || twin.session === session.value.id) return twin ? { twin } : {}
    const ownTwin = found(ofSession.get(delegation, head, hash, session.pk))
    return { twin, ...(ownTwin && { ownTwin }) }
  }
}

function serviceRows(
  { credentials }: Tables,
  scope: Scope,
): Pick<LedgerState, 'credential' | 'operation'> {
  const credential = scope.credential === undefined ? undefined : credentials.find(scope.credential)
  const operation =
    scope.operation === undefined ? undefined : credentials.operation(scope.operation)
  return { ...(credential && { credential }), ...(operation && { operation }) }
}

function merchantUsagesOf(
  { merchantUsages }: Rows,
  line: readonly (Pick<Session, 'id' | 'limits'> | undefined)[],
  { host, payee }: Scope,
): Pick<LedgerState, 'merchantUsages'> {
  if (host === undefined || payee === undefined) return {}
  const limited = line.filter((one) => one?.limits.perMerchant !== undefined)
  if (limited.length === 0) return {}
  const found = limited.flatMap((one) =>
    one ? (merchantUsages.find(merchantUsageId(one.id, host, payee))?.value ?? []) : [],
  )
  return { merchantUsages: found }
}

function latestApproval(
  { approvals }: Tables,
  session: bigint | undefined,
  { termsHash }: Scope,
): Approval | undefined {
  return session === undefined || termsHash === undefined
    ? undefined
    : approvals.latest(session, termsHash)
}

function writer(rows: Rows, tables: Tables, audit: AuditTable, remove: Removal): Ledger['write'] {
  const { sessions, delegations, payments } = rows
  return (change, now) => {
    const { instruments = [], merchants = [], keys = [], contents = [], events } = change
    const overrun = isOverrun(change)
    for (const one of instruments) tables.putInstrument(one)
    for (const one of change.delegations ?? []) delegations.put(one, overrun)
    for (const one of change.sessions ?? []) sessions.put(one, overrun)
    for (const one of change.payments ?? []) {
      const holdsKey = keys.some((key) => isOwnKey(key, one))
      payments.put(one, one.overrun, holdsKey)
    }
    for (const one of keys) {
      if (change.payments?.some((payment) => isOwnKey(one, payment))) continue
      const payment = one.payment === undefined ? undefined : payments.key(one.payment)
      tables.putKey(sessions.key(one.session), payment, one)
    }
    for (const one of merchants) rows.merchants.put(one, false)
    for (const one of change.endUsers ?? []) rows.endUsers.put(one, overrun)
    for (const one of change.merchantUsages ?? []) rows.merchantUsages.put(one, overrun)
    for (const one of change.approvals ?? []) {
      tables.approvals.put(one, sessions.key(one.session), sessions.key(one.root))
    }
    for (const one of change.credentials ?? []) tables.credentials.put(one)
    for (const one of change.operations ?? []) tables.credentials.putOperation(one)
    for (const one of contents) tables.putContent(payments.key(one.payment), one)
    if (change.removed) {
      audit.flush()
      remove(change.removed)
    }
    for (const event of events) audit.append(now, event)
  }
}
