import type {
  AuditRecord,
  Delegation,
  Page,
  Payment,
  PaymentState,
  Session,
  Store,
} from '@bursar/core'
import type { Database, Row } from '../database/database.ts'
import type { AuditTable } from './audit-table.ts'
import { type PageBounds, pageOf } from './cursor.ts'
import { delegationEntry, selectDelegations } from './delegation-table.ts'
import { paymentEntry, selectPayments } from './payment-table.ts'
import type { Entry } from './row-cache.ts'
import { selectSessions, sessionEntry } from './session-table.ts'

type PaymentFilter = Parameters<Store['payments']>[0]
type SessionFilter = Parameters<Store['sessions']>[0]
type DelegationFilter = Parameters<Store['delegations']>[0]

/** The lists of the store, a page at a time, oldest first. */
export interface Pages {
  payments(filter: PaymentFilter, bounds: PageBounds): Page<Payment>
  sessions(filter: SessionFilter, bounds: PageBounds): Page<Session>
  delegations(filter: DelegationFilter, bounds: PageBounds): Page<Delegation>
  audit(bounds: PageBounds): Page<AuditRecord>
}

/** The states that the partial index holds, as the schema lists them. */
const unproven: readonly PaymentState[] = ['reserved', 'signed', 'claimed', 'in_doubt']

const unprovenText = unproven.map((state) => `'${state}'`).join(', ')

export function pages(database: Database, audit: AuditTable): Pages {
  const list = <Noun>(
    kind: 'payments' | 'sessions' | 'delegations',
    { sql, values }: Query,
    bounds: PageBounds,
    entry: (row: Row) => Entry<Noun>,
  ): Page<Noun> => {
    const found = database.statement(sql).all(...values, bounds.limit)
    return pageOf(kind, found.map(entry), (one) => one.value)
  }
  return {
    payments: (filter, bounds) =>
      list('payments', paymentQuery(filter, bounds), bounds, paymentEntry),
    sessions: (filter, bounds) =>
      list('sessions', sessionQuery(filter, bounds), bounds, sessionEntry),
    delegations(filter, bounds) {
      const query: Query = { sql: `${selectDelegations} WHERE d.pk > ?`, values: [bounds.after] }
      restrict(query, 'd.end_user = ?', filter.endUser)
      if (filter.unsettled) query.sql += ' AND d.unsettled = 1'
      return list('delegations', ordered(query, 'd.pk'), bounds, delegationEntry)
    },
    audit: (bounds) =>
      pageOf('audit', audit.after(bounds.after, bounds.limit), (one) => one.record),
  }
}

interface Query {
  sql: string
  values: (string | bigint)[]
}

function restrict(query: Query, condition: string, value: string | undefined): void {
  if (value === undefined) return
  query.sql += ` AND ${condition}`
  query.values.push(value)
}

function ordered(query: Query, by: string): Query {
  return { ...query, sql: `${query.sql} ORDER BY ${by} LIMIT ?` }
}

function sessionQuery(filter: SessionFilter, bounds: PageBounds): Query {
  const query: Query = { sql: `${selectSessions} WHERE s.pk > ?`, values: [bounds.after] }
  restrict(query, 's.delegation = (SELECT pk FROM delegations WHERE id = ?)', filter.delegation)
  const ofEndUser = 's.delegation IN (SELECT pk FROM delegations WHERE end_user = ?)'
  restrict(query, ofEndUser, filter.endUser)
  return ordered(query, 's.pk')
}

/** The keys are found first, in indexes alone where that is possible, and then the rows. */
function paymentQuery(filter: PaymentFilter, bounds: PageBounds): Query {
  const { states } = filter
  const few = states?.[0] !== undefined && states.every((state) => unproven.includes(state))
  const source = few ? 'payments INDEXED BY payments_unproven' : 'payments'
  const query: Query = { sql: `SELECT pk FROM ${source} WHERE pk > ?`, values: [bounds.after] }
  if (few) query.sql += ` AND state IN (${unprovenText})`
  restrict(query, 'session = (SELECT pk FROM sessions WHERE id = ?)', filter.session)
  restrict(query, 'delegation = (SELECT pk FROM delegations WHERE id = ?)', filter.delegation)
  const ofEndUser = 'delegation IN (SELECT pk FROM delegations WHERE end_user = ?)'
  restrict(query, ofEndUser, filter.endUser)
  if (states) {
    query.sql += ` AND state IN (${states.map(() => '?').join(', ')})`
    query.values.push(...states)
  }
  const { sql, values } = ordered(query, 'pk')
  return { sql: `${selectPayments} WHERE p.pk IN (${sql}) ORDER BY p.pk`, values }
}
