import { BursarError, type KeyRecord, type Payment, type Session } from '@bursar/core'
import { isOwnKey } from '@bursar/core/store'
import type { Write } from '../database/statement.ts'
import {
  insertDelegationAccounts,
  insertEndUserAccounts,
  insertSessionAccounts,
  markUnsettledAccounts,
  updateAccounts,
} from '../tables/account-table.ts'
import { insertApprovals, updateApprovals } from '../tables/approval-table.ts'
import { appendAuditRecords, type Head } from '../tables/audit-table.ts'
import { writeContents } from '../tables/content-table.ts'
import { writeCredentials } from '../tables/credential-table.ts'
import type { Entry } from '../tables/entry.ts'
import { escapeNulText } from '../tables/escape-nul-text.ts'
import { writeInstruments } from '../tables/instrument-table.ts'
import { writeKeys } from '../tables/key-table.ts'
import { writeMerchants } from '../tables/merchant-table.ts'
import { writeMerchantUsages } from '../tables/merchant-usage-table.ts'
import { writeOperations } from '../tables/operation-table.ts'
import type { AccountKey, ParentKeys } from '../tables/parent-keys.ts'
import { insertPayments, updatePayments } from '../tables/payment-table.ts'
import { removeRows } from '../tables/row-removal.ts'
import type { LoadPlan } from './load-plan.ts'
import type { RowCache } from './row-cache.ts'
import type { TransactionRows } from './transaction-rows.ts'

/**
 * Returns every write of a transaction, parents first, one statement for all rows of a kind.
 *
 * Numbers new payments from the head on. Throws for rows that no statement can be made of, before
 * anything is sent.
 */
export function collectWrites(
  rows: TransactionRows,
  head: Pick<Head, 'payments'>,
): readonly Write[] {
  const payments = collectSplitInserts(rows.payments)
  const newestPayment = numberCollectedPayments(rows, payments.inserts, head)
  const parents = collectParentKeys(rows)
  const { holders, others } = collectSplitKeys(collectChangedValues(rows.keys), payments.inserts)
  const approvals = collectSplitInserts(rows.approvals)
  return [
    ...collectAccountWrites(rows),
    ...writeMerchantUsages(collectChangedValues(rows.merchantUsages)),
    ...insertPayments(payments.inserts, holders, parents),
    ...updatePayments(payments.updates),
    ...writeKeys(others, parents),
    ...writeMerchants(collectChangedValues(rows.merchants)),
    ...insertApprovals(approvals.inserts),
    ...updateApprovals(approvals.updates),
    ...writeInstruments(collectChangedValues(rows.instruments)),
    ...writeCredentials(collectChangedValues(rows.credentials)),
    ...writeOperations(collectChangedValues(rows.operations)),
    ...writeContents(rows.contents.values(), parents.payment),
    ...rows.removed.flatMap(removeRows),
    ...appendAuditRecords(rows.records, newestPayment),
  ]
}

/**
 * Adds to a plan the rows that were assumed to be new without asking the database.
 *
 * Returns whether there are any: then a write that was refused may succeed once they are loaded.
 */
export function collectAssumedInserts(rows: TransactionRows, plan: LoadPlan): boolean {
  const sizeOf = (): number => plan.accounts.size + plan.payments.size + plan.approvals.size
  const before = sizeOf()
  const add = (ids: Set<string>, cache: RowCache<{ readonly id: string }>): void => {
    for (const { value } of collectSplitInserts(cache).inserts) ids.add(value.id)
  }
  add(plan.accounts, rows.endUsers)
  add(plan.accounts, rows.delegations)
  add(plan.accounts, rows.sessions)
  add(plan.payments, rows.payments)
  add(plan.approvals, rows.approvals)
  return sizeOf() > before
}

function collectAccountWrites(rows: TransactionRows): readonly Write[] {
  const endUsers = collectSplitInserts(rows.endUsers)
  const delegations = collectSplitInserts(rows.delegations)
  const sessions = collectSplitInserts(rows.sessions)
  return [
    ...insertEndUserAccounts(endUsers.inserts),
    ...insertDelegationAccounts(delegations.inserts),
    ...orderInsertsByParent(sessions.inserts).flatMap(insertSessionAccounts),
    ...updateAccounts({
      endUsers: endUsers.updates,
      delegations: delegations.updates,
      sessions: sessions.updates,
    }),
    ...markUnsettledAccounts(rows.delegations.changedEntries()),
  ]
}

/** Gives new payments the next keys. Returns the key of the newest payment. */
function numberCollectedPayments(
  { paymentKeys }: TransactionRows,
  inserts: readonly Entry<Payment>[],
  head: Pick<Head, 'payments'>,
): number {
  let newest = head.payments
  for (const { value } of inserts) {
    newest += 1
    paymentKeys.set(value.id, String(newest))
  }
  return newest
}

/** Returns the new payments that hold their key themselves, and the keys that need a row. */
function collectSplitKeys(
  records: readonly KeyRecord[],
  inserts: readonly Entry<Payment>[],
): { readonly holders: ReadonlySet<string>; readonly others: readonly KeyRecord[] } {
  const holders = new Set<string>()
  const inserted = new Map(inserts.map(({ value }) => [value.id, value]))
  const others = records.filter((record) => {
    const payment = inserted.get(record.payment ?? '')
    const isOwn = payment !== undefined && isOwnKey(record, payment)
    if (isOwn) holders.add(payment.id)
    return !isOwn
  })
  return { holders, others }
}

function collectParentKeys({
  sessions,
  delegations,
  payments,
  paymentKeys,
}: TransactionRows): ParentKeys {
  const accountKey = ({ pk, value }: Entry<{ readonly id: string }>): AccountKey =>
    pk === undefined ? [null, escapeNulText(value.id)] : [pk, null]
  return {
    payment(id) {
      const pk = payments.need(id).pk ?? paymentKeys.get(id)
      if (pk !== undefined) return pk
      throw new BursarError('invariant_broken', `The payment ${id} has no key.`)
    },
    session: (id) => accountKey(sessions.need(id)),
    delegation: (id) => accountKey(delegations.need(id)),
  }
}

function collectChangedValues<Noun>(cache: RowCache<Noun>): readonly Noun[] {
  return cache.changedEntries().map(({ value }) => value)
}

interface SplitEntries<Noun> {
  readonly inserts: readonly Entry<Noun>[]
  readonly updates: readonly Entry<Noun>[]
}

function collectSplitInserts<Noun>(
  cache: Pick<RowCache<Noun>, 'changedEntries'>,
): SplitEntries<Noun> {
  const changed = cache.changedEntries()
  return {
    inserts: changed.filter(({ pk }) => pk === undefined),
    updates: changed.filter(({ pk }) => pk !== undefined),
  }
}

/** Splits new sessions into levels, parents first: a statement does not see its own rows. */
function orderInsertsByParent(sessions: readonly Entry<Session>[]): readonly Entry<Session>[][] {
  const levels: Entry<Session>[][] = []
  let rest = [...sessions]
  while (rest.length > 0) {
    const waiting = new Set(rest.map(({ value }) => value.id))
    const isReady = ({ value }: Entry<Session>): boolean =>
      value.parent === undefined || !waiting.has(value.parent)
    const level = rest.filter(isReady)
    if (level.length === 0) {
      throw new BursarError('invariant_broken', 'A session can not be its own ancestor.')
    }
    levels.push(level)
    rest = rest.filter((entry) => !isReady(entry))
  }
  return levels
}
