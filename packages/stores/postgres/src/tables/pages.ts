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
import type { Client, QueryResult } from 'pg'
import type { Row } from '../database/statement.ts'
import { delegationEntry, selectAccounts, sessionEntry } from './account-table.ts'
import { approvalEntry, selectApprovals } from './approval-table.ts'
import { readRecords } from './audit-table.ts'
import { credentialEntry, selectCredentials } from './credential-table.ts'
import type { Entry } from './entry.ts'
import { escapeNulText } from './escape-nul-text.ts'
import { paymentEntry, selectPayments } from './payment-table.ts'

type PaymentFilter = Parameters<Store['payments']>[0]
type SessionFilter = Parameters<Store['sessions']>[0]
type ApprovalFilter = Parameters<Store['approvals']>[0]
type DelegationFilter = Parameters<Store['delegations']>[0]

/** Reads a page of payments, oldest first. */
export function readPaymentPage(
  client: Client,
  filter: PaymentFilter,
  bounds: PageBounds,
): Promise<Page<Payment>> {
  return readPage(client, 'payments', paymentQuery(filter, bounds), paymentEntry)
}

/** Reads a page of sessions, oldest first. */
export function readSessionPage(
  client: Client,
  { delegation, endUser }: SessionFilter,
  bounds: PageBounds,
): Promise<Page<Session>> {
  const query = queryAfter(selectAccounts, 'a.pk', bounds)
  query.text += ' AND a.delegation IS NOT NULL'
  restrict(query, 'a.delegation = (SELECT pk FROM accounts WHERE id = ?)', delegation)
  restrict(query, 'a.delegation IN (SELECT pk FROM accounts WHERE end_user = ?)', endUser)
  return readPage(client, 'sessions', orderAndLimit(query, 'a.pk', bounds), sessionEntry)
}

/** Reads a page of delegations, oldest first. */
export function readDelegationPage(
  client: Client,
  { endUser, unsettled }: DelegationFilter,
  bounds: PageBounds,
): Promise<Page<Delegation>> {
  const query = queryAfter(selectAccounts, 'a.pk', bounds)
  query.text += ' AND a.delegation IS NULL AND NOT a.is_end_user'
  restrict(query, 'a.end_user = ?', endUser)
  if (unsettled) query.text += ' AND a.unsettled'
  return readPage(client, 'delegations', orderAndLimit(query, 'a.pk', bounds), delegationEntry)
}

/** Reads a page of approvals, oldest first. */
export function readApprovalPage(
  client: Client,
  { endUser, session, key, states }: ApprovalFilter,
  bounds: PageBounds,
): Promise<Page<Approval>> {
  const query = queryAfter(selectApprovals, 'a.pk', bounds)
  restrict(query, 'a.end_user = ?', endUser)
  restrict(query, 'a.session = (SELECT pk FROM accounts WHERE id = ?)', session)
  restrict(query, 'a.key = ?', key)
  restrictToAny(query, 'a.state', states)
  return readPage(client, 'approvals', orderAndLimit(query, 'a.pk', bounds), approvalEntry)
}

/** Reads a page of the service's credentials, oldest first. */
export function readCredentialPage(client: Client, bounds: PageBounds): Promise<Page<Credential>> {
  const query = queryAfter(selectCredentials, 'c.pk', bounds)
  return readPage(client, 'credentials', orderAndLimit(query, 'c.pk', bounds), credentialEntry)
}

/** Reads a page of audit records in their order. */
export async function readAuditPage(
  client: Client,
  bounds: PageBounds,
): Promise<Page<AuditRecord>> {
  return pageOf('audit', await readRecords(client, bounds))
}

/** A query in which each `?` stands for the next value. */
interface Query {
  text: string
  readonly values: unknown[]
}

function queryAfter(select: string, pk: string, { after }: PageBounds): Query {
  return { text: `${select} WHERE ${pk} > ?`, values: [after] }
}

function restrict(query: Query, condition: string, value: string | undefined): void {
  if (value === undefined) return
  query.text += ` AND ${condition}`
  query.values.push(escapeNulText(value))
}

function restrictToAny(query: Query, column: string, values: readonly string[] | undefined): void {
  if (!values) return
  query.text += ` AND ${column} = ANY (?::text[])`
  query.values.push([...values])
}

function orderAndLimit({ text, values }: Query, pk: string, { limit }: PageBounds): Query {
  return { text: `${text} ORDER BY ${pk} LIMIT ?`, values: [...values, limit] }
}

/** Finds the keys of the payments first, from indexes alone where that is possible. */
function paymentQuery(filter: PaymentFilter, bounds: PageBounds): Query {
  const { states } = filter
  const source = 'SELECT p.pk FROM payments p JOIN payment_states o ON o.payment = p.pk'
  const query = queryAfter(source, 'p.pk', bounds)
  restrict(query, 'p.session = (SELECT pk FROM accounts WHERE id = ?)', filter.session)
  restrict(query, 'p.delegation = (SELECT pk FROM accounts WHERE id = ?)', filter.delegation)
  const ofEndUser = 'p.delegation IN (SELECT pk FROM accounts WHERE end_user = ?)'
  restrict(query, ofEndUser, filter.endUser)
  // PostgreSQL uses the partial index only if the statement has the index's own condition.
  if (states?.every((state) => unprovenStates.includes(state))) query.text += ' AND o.unproven'
  restrictToAny(query, 'o.state', states)
  const { text, values } = orderAndLimit(query, 'p.pk', bounds)
  return { text: `${selectPayments} WHERE p.pk IN (${text}) ORDER BY p.pk`, values }
}

async function readPage<Noun>(
  client: Client,
  list: ListName,
  { text, values }: Query,
  parse: (row: Row) => Entry<Noun>,
): Promise<Page<Noun>> {
  let place = 0
  const numbered = text.replace(/\?/g, () => {
    place += 1
    return `$${place}`
  })
  const result: QueryResult<Row> = await client.query(numbered, values)
  const rows = result.rows.map((row) => ({
    pk: BigInt(row.pk as string),
    value: parse(row).value,
  }))
  return pageOf(list, rows)
}
