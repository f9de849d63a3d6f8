import type {
  Approval,
  Credential,
  KeyRecord,
  KnownMerchant,
  MerchantUsage,
  Operation,
  Payment,
  RegisteredInstrument,
} from '@bursar/core'
import { endUserAccountId, MAX_RECENT_APPROVALS } from '@bursar/core/store'
import type { Grants, ReadAccounts } from '../tables/account-table.ts'
import type { Entry } from '../tables/entry.ts'
import type { NameInDelegation } from '../tables/merchant-table.ts'
import type { MerchantUsageName } from '../tables/merchant-usage-table.ts'
import type { LoadPlan } from './load-plan.ts'
import type { RowCache } from './row-cache.ts'
import { endUserOfAccountId, merchantUsageId, pairId } from './row-ids.ts'
import type { TransactionRows } from './transaction-rows.ts'

/** The rows that were read for a plan. */
export interface ReadRows {
  readonly accounts: ReadAccounts
  /** The payments in the order of their keys. */
  readonly payments: readonly Entry<Payment>[]
  readonly keys: readonly KeyRecord[]
  readonly merchants: readonly KnownMerchant[]
  readonly instruments: readonly RegisteredInstrument[]
  /** The approvals in the order of their keys. */
  readonly approvals: readonly Entry<Approval>[]
  readonly credentials: readonly Entry<Credential>[]
  readonly operations: readonly Operation[]
  readonly merchantUsages: readonly MerchantUsage[]
  readonly grants: readonly Grants[]
}

/** Adds the rows that were read for a plan, and notes which ones the database was asked for. */
export function fillRows(rows: TransactionRows, plan: LoadPlan, read: ReadRows): void {
  fillAccounts(rows, plan, read.accounts)
  fillPayments(rows, plan, read.payments)
  markFilledRowsAsked(rows.keys, plan.keys.keys())
  fillAll(rows.keys, read.keys)
  markFilledRowsAsked(rows.instruments, plan.instruments)
  fillAll(rows.instruments, read.instruments)
  markFilledRowsAsked(rows.merchants, filledIdsInDelegations(rows, plan.merchants))
  fillAll(rows.merchants, read.merchants)
  fillApprovals(rows, plan, read.approvals)
  markFilledRowsAsked(rows.credentials, plan.credentials)
  for (const entry of read.credentials) rows.credentials.add(entry)
  markFilledRowsAsked(rows.operations, plan.operations)
  fillAll(rows.operations, read.operations)
  fillGrants(rows, read.grants)
  fillMerchantUsages(rows, plan, read.merchantUsages)
}

function markFilledRowsAsked(
  rows: Pick<RowCache<unknown>, 'markAsked'>,
  ids: Iterable<string>,
): void {
  for (const id of ids) rows.markAsked(id)
}

function fillAll<Noun>(rows: RowCache<Noun>, values: readonly Noun[]): void {
  for (const value of values) rows.add({ value, overrun: false })
}

function fillAccounts(rows: TransactionRows, plan: LoadPlan, read: ReadAccounts): void {
  for (const id of plan.accounts) {
    rows.sessions.markAsked(id)
    rows.delegations.markAsked(id)
    const endUser = endUserOfAccountId(id)
    if (endUser !== undefined) rows.endUsers.markAsked(endUser)
  }
  for (const entry of read.sessions) rows.sessions.add(entry)
  for (const entry of read.delegations) rows.delegations.add(entry)
  for (const entry of read.endUsers) rows.endUsers.add(entry)
  markFilledRowsAsked(rows.endUsers, read.withoutAccount)
}

function fillPayments(
  rows: TransactionRows,
  plan: LoadPlan,
  payments: readonly Entry<Payment>[],
): void {
  markFilledRowsAsked(rows.payments, plan.payments)
  for (const entry of payments) rows.payments.add(entry)
  const twins = filledIdsInDelegations(rows, plan.twins)
  markFilledRowsAsked(rows.twins, twins)
  markFilledRowsAsked(rows.ownTwins, plan.ownTwins.keys())
  // In the order of their keys, so the last payment for a request is the latest one.
  for (const { value } of payments) {
    const { id: payment, session, delegation, terms } = value
    const { requestHash } = terms
    if (twins.has(pairId(delegation, requestHash))) {
      rows.twins.add({ value: { delegation, requestHash, payment }, overrun: false })
    }
    if (plan.ownTwins.has(pairId(session, requestHash))) {
      rows.ownTwins.add({ value: { session, requestHash, payment }, overrun: false })
    }
  }
}

/** Returns the ids of planned rows within delegations, without those whose delegation was not found. */
function filledIdsInDelegations(
  rows: TransactionRows,
  names: ReadonlyMap<string, NameInDelegation>,
): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const name of names.values()) {
    const delegation = findFilledDelegation(rows, name)
    if (delegation !== undefined) ids.add(pairId(delegation, name.name))
  }
  return ids
}

function findFilledDelegation(
  { sessions, delegations, payments }: TransactionRows,
  { account, payment }: NameInDelegation,
): string | undefined {
  if (account === undefined) {
    return payment === undefined ? undefined : payments.find(payment)?.value.delegation
  }
  return delegations.has(account) ? account : sessions.find(account)?.value.delegation
}

function fillApprovals(
  rows: TransactionRows,
  plan: LoadPlan,
  approvals: readonly Entry<Approval>[],
): void {
  markFilledRowsAsked(rows.approvals, plan.approvals)
  for (const entry of approvals) rows.approvals.add(entry)
  const newestFirst = approvals.map(({ value }) => value).toReversed()
  for (const { session, termsHash } of plan.terms.values()) {
    const ofRoot = newestFirst.filter(({ root }) => root === session)
    const recent = ofRoot.slice(0, MAX_RECENT_APPROVALS).map(({ id }) => id)
    rows.recentApprovals.add({ value: { root: session, approvals: recent }, overrun: false })
    rows.latestApprovals.markAsked(pairId(session, termsHash))
    const latest = newestFirst.find(
      (approval) => approval.session === session && approval.termsHash === termsHash,
    )
    if (!latest) continue
    const value = { session, termsHash, approval: latest.id }
    rows.latestApprovals.add({ value, overrun: false })
  }
}

function fillGrants(rows: TransactionRows, grants: readonly Grants[]): void {
  for (const { endUser, delegations, hasAccount } of grants) {
    if (!hasAccount) rows.endUsers.markAsked(endUser)
    rows.grants.add({ value: { endUser, delegations }, overrun: false })
  }
}

function fillMerchantUsages(
  rows: TransactionRows,
  plan: LoadPlan,
  usages: readonly MerchantUsage[],
): void {
  for (const name of plan.merchantUsages.values()) {
    const ids = findFilledSessionLine(rows, name).map((id) =>
      merchantUsageId(id, name.host, name.payee),
    )
    markFilledRowsAsked(rows.merchantUsages, ids)
  }
  fillAll(rows.merchantUsages, usages)
}

/** Returns the ids of an account, or of a payment's session, and of all accounts that it draws from. */
function findFilledSessionLine(
  { sessions, delegations, payments }: TransactionRows,
  { account, payment }: MerchantUsageName,
): readonly string[] {
  const line: string[] = []
  let next = account ?? findFilledRow(payments, payment)?.session
  while (next !== undefined && !line.includes(next)) {
    line.push(next)
    const session = findFilledRow(sessions, next)
    const delegation = findFilledRow(delegations, next)
    next = delegation
      ? endUserAccountId(delegation.endUser)
      : (session?.parent ?? session?.delegation)
  }
  return line
}

function findFilledRow<Noun>(rows: RowCache<Noun>, id: string | undefined): Noun | undefined {
  return id !== undefined && rows.has(id) ? rows.find(id)?.value : undefined
}
