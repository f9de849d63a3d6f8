import type {
  Approval,
  AuditRecord,
  Credential,
  Delegation,
  Page,
  Payment,
  PaymentState,
  Session,
  Store,
} from '@bursar/core'
import type { Client, QueryResult } from 'pg'
import { execute, type Row } from '../database/statement.ts'
import { delegationEntry, selectAccounts, sessionEntry } from './account-table.ts'
import { approvalEntry, selectApprovals } from './approval-table.ts'
import { readAudit, recordOf } from './audit-table.ts'
import { credentialEntry, selectCredentials } from './credential-table.ts'
import { type CursorKind, type PageBounds, pageOf } from './cursor.ts'
import type { Entry } from './entry.ts'
import { plainText } from './escape-nul-text.ts'
import { paymentEntry, selectPayments } from './payment-table.ts'

type PaymentFilter = Parameters<Store['payments']>[0]
type SessionFilter = Parameters<Store['sessions']>[0]
type ApprovalFilter = Parameters<Store['approvals']>[0]
type DelegationFilter = Parameters<Store['delegations']>[0]

/** The states that the partial index holds, as the schema lists them. */
const unproven: readonly PaymentState[] = ['reserved', 'signed', 'claimed', 'in_doubt']

/** Payments in some states, oldest first. */
export function paymentsPage(
  client: Client,
  filter: PaymentFilter,
  bounds: PageBounds,
): Promise<Page<Payment>> {
  return list(client, 'payments', paymentQuery(filter, bounds), paymentEntry)
}

export function sessionsPage(
  client: Client,
  { delegation, endUser }: SessionFilter,
  bounds: PageBounds,
): Promise<Page<Session>> {
  const query = queryOf('a.delegation IS NOT NULL AND a.pk > ?', bounds.after)
  restrict(query, 'a.delegation = (SELECT pk FROM accounts WHERE id = ?)', delegation)
  restrict(query, 'a.delegation IN (SELECT pk FROM accounts WHERE end_user = ?)', endUser)
  return list(client, 'sessions', ordered(selectAccounts, query, 'a.pk', bounds), sessionEntry)
}

export function delegationsPage(
  client: Client,
  { endUser, unsettled }: DelegationFilter,
  bounds: PageBounds,
): Promise<Page<Delegation>> {
  const query = queryOf('a.delegation IS NULL AND NOT a.is_end_user AND a.pk > ?', bounds.after)
  restrict(query, 'a.end_user = ?', endUser)
  if (unsettled) query.text += ' AND a.unsettled'
  return list(
    client,
    'delegations',
    ordered(selectAccounts, query, 'a.pk', bounds),
    delegationEntry,
  )
}

export function approvalsPage(
  client: Client,
  { endUser, session, key, states }: ApprovalFilter,
  bounds: PageBounds,
): Promise<Page<Approval>> {
  const query = queryOf('a.pk > ?', bounds.after)
  restrict(query, 'a.end_user = ?', endUser)
  restrict(query, 'a.session = (SELECT pk FROM accounts WHERE id = ?)', session)
  restrict(query, 'a.key = ?', key)
  if (states) {
    query.text += ' AND a.state = ANY (?::text[])'
    query.values.push([...states])
  }
  return list(client, 'approvals', ordered(selectApprovals, query, 'a.pk', bounds), approvalEntry)
}

export function credentialsPage(client: Client, bounds: PageBounds): Promise<Page<Credential>> {
  const query = ordered(selectCredentials, queryOf('c.pk > ?', bounds.after), 'c.pk', bounds)
  return list(client, 'credentials', query, credentialEntry)
}

export async function auditPage(client: Client, bounds: PageBounds): Promise<Page<AuditRecord>> {
  const rows = await execute(client, readAudit, [bounds.after, bounds.limit])
  const found = rows.map((row) => ({ pk: BigInt(row.seq as string), record: recordOf(row) }))
  return pageOf('audit', found, ({ record }) => record)
}

/** Conditions, in which each `?` stands for the next value. */
interface Query {
  text: string
  readonly values: unknown[]
}

function queryOf(text: string, ...values: unknown[]): Query {
  return { text, values }
}

function restrict(query: Query, condition: string, value: string | undefined): void {
  if (value === undefined) return
  query.text += ` AND ${condition}`
  query.values.push(plainText(value))
}

function ordered(select: string, query: Query, by: string, { limit }: PageBounds): Query {
  const text = `${select} WHERE ${query.text} ORDER BY ${by} LIMIT ?`
  return { text, values: [...query.values, limit] }
}

/** The keys are found first, in indexes alone where that is possible, and then the rows. */
function paymentQuery(filter: PaymentFilter, bounds: PageBounds): Query {
  const { states } = filter
  const query = queryOf('p.pk > ?', bounds.after)
  restrict(query, 'p.session = (SELECT pk FROM accounts WHERE id = ?)', filter.session)
  restrict(query, 'p.delegation = (SELECT pk FROM accounts WHERE id = ?)', filter.delegation)
  const ofEndUser = 'p.delegation IN (SELECT pk FROM accounts WHERE end_user = ?)'
  restrict(query, ofEndUser, filter.endUser)
  if (states) {
    const isFew = states.every((state) => unproven.includes(state))
    query.text += `${isFew ? ' AND o.unproven' : ''} AND o.state = ANY (?::text[])`
    query.values.push([...states])
  }
  const select = 'SELECT p.pk FROM payments p JOIN payment_states o ON o.payment = p.pk'
  const { text, values } = ordered(select, query, 'p.pk', bounds)
  return { text: `${selectPayments} WHERE p.pk IN (${text}) ORDER BY p.pk`, values }
}

async function list<Noun>(
  client: Client,
  kind: Exclude<CursorKind, 'audit'>,
  { text, values }: Query,
  entry: (row: Row) => Entry<Noun>,
): Promise<Page<Noun>> {
  let place = 0
  const numbered = text.replace(/\?/g, () => {
    place += 1
    return `$${place}`
  })
  const result: QueryResult<Row> = await client.query(numbered, values)
  const found = result.rows.map((row) => ({
    pk: BigInt(row.pk as string),
    value: entry(row).value,
  }))
  return pageOf(kind, found, ({ value }) => value)
}
