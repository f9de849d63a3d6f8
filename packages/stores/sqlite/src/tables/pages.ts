import type {
  Approval,
  AuditRecord,
  Credential,
  Delegation,
  Page,
  Payment,
  Session,
  Store,
} from '@bursar/core'
import { type ListName, type PageBounds, pageOf, unprovenStates } from '@bursar/core/store'
import type { Database, Row } from '../database/database.ts'
import { parseApproval, selectApprovals } from './approval-table.ts'
import type { AuditTable } from './audit-table.ts'
import { parseCredential, selectCredentials } from './credential-table.ts'
import { delegationEntry, selectDelegations } from './delegation-table.ts'
import { paymentEntry, selectPayments } from './payment-table.ts'
import { selectSessions, sessionEntry } from './session-table.ts'

type PaymentFilter = Parameters<Store['payments']>[0]
type SessionFilter = Parameters<Store['sessions']>[0]
type DelegationFilter = Parameters<Store['delegations']>[0]
type ApprovalFilter = Parameters<Store['approvals']>[0]

/** The lists of the store, a page at a time, oldest first. */
export interface Pages {
  payments(filter: PaymentFilter, bounds: PageBounds): Page<Payment>
  sessions(filter: SessionFilter, bounds: PageBounds): Page<Session>
  delegations(filter: DelegationFilter, bounds: PageBounds): Page<Delegation>
  approvals(filter: ApprovalFilter, bounds: PageBounds): Page<Approval>
  credentials(bounds: PageBounds): Page<Credential>
  audit(bounds: PageBounds): Page<AuditRecord>
}

/** Returns the lists of a database. */
export function pages(database: Database, audit: AuditTable): Pages {
  const readPage = <Noun>(
    list: ListName,
    { sql, values }: Query,
    parse: (row: Row) => Noun,
  ): Page<Noun> => {
    const rows = database.statement(sql).all(...values)
    return pageOf(
      list,
      rows.map((row) => ({ pk: row.pk as bigint, value: parse(row) })),
    )
  }
  return {
    payments: (filter, bounds) =>
      readPage('payments', paymentPageQuery(filter, bounds), (row) => paymentEntry(row).value),
    sessions: (filter, bounds) =>
      readPage('sessions', sessionPageQuery(filter, bounds), (row) => sessionEntry(row).value),
    delegations: (filter, bounds) =>
      readPage(
        'delegations',
        delegationPageQuery(filter, bounds),
        (row) => delegationEntry(row).value,
      ),
    approvals: (filter, bounds) =>
      readPage('approvals', approvalPageQuery(filter, bounds), parseApproval),
    credentials(bounds) {
      const query = queryPageAfter(selectCredentials, 'pk', bounds)
      return readPage('credentials', orderAndLimitPage(query, 'pk', bounds), parseCredential)
    },
    audit: ({ after, limit }) => pageOf('audit', audit.list(after, limit)),
  }
}

interface Query {
  sql: string
  readonly values: (string | bigint | number)[]
}

function queryPageAfter(select: string, pk: string, { after }: PageBounds): Query {
  return { sql: `${select} WHERE ${pk} > ?`, values: [after] }
}

function restrictPage(query: Query, condition: string, value: string | undefined): void {
  if (value === undefined) return
  query.sql += ` AND ${condition}`
  query.values.push(value)
}

function restrictPageToAny(
  query: Query,
  column: string,
  values: readonly string[] | undefined,
): void {
  if (!values) return
  query.sql += ` AND ${column} IN (${values.map(() => '?').join(', ')})`
  query.values.push(...values)
}

function orderAndLimitPage({ sql, values }: Query, pk: string, { limit }: PageBounds): Query {
  return { sql: `${sql} ORDER BY ${pk} LIMIT ?`, values: [...values, limit] }
}

/** Finds the keys of the payments first, from an index alone where that is possible. */
function paymentPageQuery(filter: PaymentFilter, bounds: PageBounds): Query {
  const { states } = filter
  const isUnproven =
    states?.[0] !== undefined && states.every((state) => unprovenStates.includes(state))
  const source = isUnproven ? 'payments INDEXED BY payments_unproven' : 'payments'
  const query = queryPageAfter(`SELECT pk FROM ${source}`, 'pk', bounds)
  // SQLite uses a partial index only if the statement has the index's own condition.
  if (isUnproven)
    query.sql += ` AND state IN (${unprovenStates.map((state) => `'${state}'`).join(', ')})`
  restrictPage(query, 'session = (SELECT pk FROM sessions WHERE id = ?)', filter.session)
  restrictPage(query, 'delegation = (SELECT pk FROM delegations WHERE id = ?)', filter.delegation)
  const ofEndUser = 'delegation IN (SELECT pk FROM delegations WHERE end_user = ?)'
  restrictPage(query, ofEndUser, filter.endUser)
  restrictPageToAny(query, 'state', states)
  const { sql, values } = orderAndLimitPage(query, 'pk', bounds)
  return { sql: `${selectPayments} WHERE p.pk IN (${sql}) ORDER BY p.pk`, values }
}

function sessionPageQuery({ delegation, endUser }: SessionFilter, bounds: PageBounds): Query {
  const query = queryPageAfter(selectSessions, 's.pk', bounds)
  restrictPage(query, 's.delegation = (SELECT pk FROM delegations WHERE id = ?)', delegation)
  restrictPage(query, 's.delegation IN (SELECT pk FROM delegations WHERE end_user = ?)', endUser)
  return orderAndLimitPage(query, 's.pk', bounds)
}

function delegationPageQuery({ endUser, unsettled }: DelegationFilter, bounds: PageBounds): Query {
  const query = queryPageAfter(selectDelegations, 'd.pk', bounds)
  restrictPage(query, 'd.end_user = ?', endUser)
  if (unsettled) query.sql += ' AND d.unsettled = 1'
  return orderAndLimitPage(query, 'd.pk', bounds)
}

function approvalPageQuery(filter: ApprovalFilter, bounds: PageBounds): Query {
  const query = queryPageAfter(selectApprovals, 'a.pk', bounds)
  restrictPage(query, 'a.end_user = ?', filter.endUser)
  restrictPage(query, 's.id = ?', filter.session)
  restrictPage(query, 'a.key = ?', filter.key)
  restrictPageToAny(query, 'a.state', filter.states)
  return orderAndLimitPage(query, 'a.pk', bounds)
}
