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
import { delegationAccountEntry, selectAccounts, sessionAccountEntry } from './account-table.ts'
import { approvalEntry, selectApprovals } from './approval-table.ts'
import { readAuditRecords } from './audit-table.ts'
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
  return readPage(client, 'payments', paymentPageQuery(filter, bounds), paymentEntry)
}

/** Reads a page of sessions, oldest first. */
export function readSessionPage(
  client: Client,
  { delegation, endUser }: SessionFilter,
  bounds: PageBounds,
): Promise<Page<Session>> {
  const query = queryPageAfter(selectAccounts, 'a.pk', bounds)
  query.text += ' AND a.delegation IS NOT NULL'
  restrictPage(query, 'a.delegation = (SELECT pk FROM accounts WHERE id = ?)', delegation)
  restrictPage(query, 'a.delegation IN (SELECT pk FROM accounts WHERE end_user = ?)', endUser)
  return readPage(client, 'sessions', orderAndLimitPage(query, 'a.pk', bounds), sessionAccountEntry)
}

/** Reads a page of delegations, oldest first. */
export function readDelegationPage(
  client: Client,
  { endUser, unsettled }: DelegationFilter,
  bounds: PageBounds,
): Promise<Page<Delegation>> {
  const query = queryPageAfter(selectAccounts, 'a.pk', bounds)
  query.text += ' AND a.delegation IS NULL AND NOT a.is_end_user'
  restrictPage(query, 'a.end_user = ?', endUser)
  if (unsettled) query.text += ' AND a.unsettled'
  return readPage(
    client,
    'delegations',
    orderAndLimitPage(query, 'a.pk', bounds),
    delegationAccountEntry,
  )
}

/** Reads a page of approvals, oldest first. */
export function readApprovalPage(
  client: Client,
  { endUser, session, key, states }: ApprovalFilter,
  bounds: PageBounds,
): Promise<Page<Approval>> {
  const query = queryPageAfter(selectApprovals, 'a.pk', bounds)
  restrictPage(query, 'a.end_user = ?', endUser)
  restrictPage(query, 'a.session = (SELECT pk FROM accounts WHERE id = ?)', session)
  restrictPage(query, 'a.key = ?', key)
  restrictPageToAny(query, 'a.state', states)
  return readPage(client, 'approvals', orderAndLimitPage(query, 'a.pk', bounds), approvalEntry)
}

/** Reads a page of the service's credentials, oldest first. */
export function readCredentialPage(client: Client, bounds: PageBounds): Promise<Page<Credential>> {
  const query = queryPageAfter(selectCredentials, 'c.pk', bounds)
  return readPage(client, 'credentials', orderAndLimitPage(query, 'c.pk', bounds), credentialEntry)
}

/** Reads a page of audit records in their order. */
export async function readAuditPage(
  client: Client,
  bounds: PageBounds,
): Promise<Page<AuditRecord>> {
  return pageOf('audit', await readAuditRecords(client, bounds))
}

/** A query in which each `?` stands for the next value. */
interface Query {
  text: string
  readonly values: unknown[]
}

function queryPageAfter(select: string, pk: string, { after }: PageBounds): Query {
  return { text: `${select} WHERE ${pk} > ?`, values: [after] }
}

function restrictPage(query: Query, condition: string, value: string | undefined): void {
  if (value === undefined) return
  query.text += ` AND ${condition}`
  query.values.push(escapeNulText(value))
}

function restrictPageToAny(
  query: Query,
  column: string,
  values: readonly string[] | undefined,
): void {
  if (!values) return
  query.text += ` AND ${column} = ANY (?::text[])`
  query.values.push([...values])
}

function orderAndLimitPage({ text, values }: Query, pk: string, { limit }: PageBounds): Query {
  return { text: `${text} ORDER BY ${pk} LIMIT ?`, values: [...values, limit] }
}

/** Finds the keys of the payments first, from indexes alone where that is possible. */
function paymentPageQuery(filter: PaymentFilter, bounds: PageBounds): Query {
  const { states } = filter
  const source = 'SELECT p.pk FROM payments p JOIN payment_states o ON o.payment = p.pk'
  const query = queryPageAfter(source, 'p.pk', bounds)
  restrictPage(query, 'p.session = (SELECT pk FROM accounts WHERE id = ?)', filter.session)
  restrictPage(query, 'p.delegation = (SELECT pk FROM accounts WHERE id = ?)', filter.delegation)
  const ofEndUser = 'p.delegation IN (SELECT pk FROM accounts WHERE end_user = ?)'
  restrictPage(query, ofEndUser, filter.endUser)
  // PostgreSQL uses the partial index only if the statement has the index's own condition.
  if (states?.every((state) => unprovenStates.includes(state))) query.text += ' AND o.unproven'
  restrictPageToAny(query, 'o.state', states)
  const { text, values } = orderAndLimitPage(query, 'p.pk', bounds)
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
