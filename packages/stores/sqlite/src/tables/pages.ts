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
      readPage('payments', paymentQuery(filter, bounds), (row) => paymentEntry(row).value),
    sessions: (filter, bounds) =>
      readPage('sessions', sessionQuery(filter, bounds), (row) => sessionEntry(row).value),
    delegations: (filter, bounds) =>
      readPage('delegations', delegationQuery(filter, bounds), (row) => delegationEntry(row).value),
    approvals: (filter, bounds) =>
      readPage('approvals', approvalQuery(filter, bounds), parseApproval),
    credentials(bounds) {
      const query = queryAfter(selectCredentials, 'pk', bounds)
      return readPage('credentials', orderAndLimit(query, 'pk', bounds), parseCredential)
    },
    audit: ({ after, limit }) => pageOf('audit', audit.list(after, limit)),
  }
}

interface Query {
  sql: string
  readonly values: (string | bigint | number)[]
}

function queryAfter(select: string, pk: string, { after }: PageBounds): Query {
  return { sql: `${select} WHERE ${pk} > ?`, values: [after] }
}

function restrict(query: Query, condition: string, value: string | undefined): void {
  if (value === undefined) return
  query.sql += ` AND ${condition}`
  query.values.push(value)
}

function restrictToAny(query: Query, column: string, values: readonly string[] | undefined): void {
  if (!values) return
  query.sql += ` AND ${column} IN (${values.map(() => '?').join(', ')})`
  query.values.push(...values)
}

function orderAndLimit({ sql, values }: Query, pk: string, { limit }: PageBounds): Query {
  return { sql: `${sql} ORDER BY ${pk} LIMIT ?`, values: [...values, limit] }
}

/** Finds the keys of the payments first, from an index alone where that is possible. */
function paymentQuery(filter: PaymentFilter, bounds: PageBounds): Query {
  const { states } = filter
  const isUnproven =
    states?.[0] !== undefined && states.every((state) => unprovenStates.includes(state))
  const source = isUnproven ? 'payments INDEXED BY payments_unproven' : 'payments'
  const query = queryAfter(`SELECT pk FROM ${source}`, 'pk', bounds)
  // SQLite uses a partial index only if the statement has the index's own condition.
  if (isUnproven)
    query.sql += ` AND state IN (${unprovenStates.map((state) => `'${state}'`).join(', ')})`
  restrict(query, 'session = (SELECT pk FROM sessions WHERE id = ?)', filter.session)
  restrict(query, 'delegation = (SELECT pk FROM delegations WHERE id = ?)', filter.delegation)
  const ofEndUser = 'delegation IN (SELECT pk FROM delegations WHERE end_user = ?)'
  restrict(query, ofEndUser, filter.endUser)
  restrictToAny(query, 'state', states)
  const { sql, values } = orderAndLimit(query, 'pk', bounds)
  return { sql: `${selectPayments} WHERE p.pk IN (${sql}) ORDER BY p.pk`, values }
}

function sessionQuery({ delegation, endUser }: SessionFilter, bounds: PageBounds): Query {
  const query = queryAfter(selectSessions, 's.pk', bounds)
  restrict(query, 's.delegation = (SELECT pk FROM delegations WHERE id = ?)', delegation)
  restrict(query, 's.delegation IN (SELECT pk FROM delegations WHERE end_user = ?)', endUser)
  return orderAndLimit(query, 's.pk', bounds)
}

function delegationQuery({ endUser, unsettled }: DelegationFilter, bounds: PageBounds): Query {
  const query = queryAfter(selectDelegations, 'd.pk', bounds)
  restrict(query, 'd.end_user = ?', endUser)
  if (unsettled) query.sql += ' AND d.unsettled = 1'
  return orderAndLimit(query, 'd.pk', bounds)
}

function approvalQuery(filter: ApprovalFilter, bounds: PageBounds): Query {
  const query = queryAfter(selectApprovals, 'a.pk', bounds)
  restrict(query, 'a.end_user = ?', filter.endUser)
  restrict(query, 's.id = ?', filter.session)
  restrict(query, 'a.key = ?', filter.key)
  restrictToAny(query, 'a.state', filter.states)
  return orderAndLimit(query, 'a.pk', bounds)
}
