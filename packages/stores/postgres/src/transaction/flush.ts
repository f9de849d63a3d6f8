import { BursarError, isOwnKey, type KeyRecord, type Payment, type Session } from '@bursar/core'
import type { Client } from 'pg'
import { execute, type Row, type Statement } from '../database/statement.ts'
import {
  type AccountKey,
  adoptDelegations,
  insertAccounts,
  insertedAccounts,
  markedUnsettled,
  markUnsettled,
  updateAccounts,
  updatedAccounts,
} from '../tables/account-table.ts'
import {
  insertApprovals,
  insertedApprovals,
  updateApprovals,
  updatedApprovals,
} from '../tables/approval-table.ts'
import { appendAudit, appendedRecords, type Head } from '../tables/audit-table.ts'
import { writeCredentials, writeOperations, writtenBodies } from '../tables/credential-table.ts'
import type { Entry } from '../tables/entry.ts'
import { plainText } from '../tables/escape-nul-text.ts'
import { writeMerchantUsages, writtenMerchantUsages } from '../tables/merchant-usage-table.ts'
import {
  insertedPayments,
  insertPayments,
  updatedPayments,
  updatedTerms,
  updatePayments,
  updatePaymentTerms,
} from '../tables/payment-table.ts'
import {
  removeApprovals,
  removedIds,
  removePayments,
  removeSessions,
  shortenRecords,
} from '../tables/removal.ts'
import { columnsOf } from '../tables/row-columns.ts'
import {
  writeContents,
  writeInstruments,
  writeKeys,
  writeMerchants,
  writtenContents,
  writtenInstruments,
  writtenKeys,
  writtenMerchants,
} from '../tables/small-tables.ts'
import type { Wanted } from './load-plan.ts'
import type { Entries } from './row-cache.ts'
import type { TransactionRows } from './transaction-rows.ts'

/** A statement with what it writes. */
export interface Write {
  readonly statement: Statement
  readonly columns: readonly unknown[]
}

/** Sends every write of a transaction at once. */
export function flush(client: Client, writes: readonly Write[]): Promise<readonly Row[]>[] {
  return writes.map(({ statement, columns }) => execute(client, statement, columns))
}

/**
 * Every write of a transaction, parents first; one statement for all rows of a kind. New payments are
 * numbered from the head on. Throws for rows that cannot be written, before anything of them is sent.
 */
export function writesOf(rows: TransactionRows, head: Pick<Head, 'payments'>): Write[] {
  const writes: Write[] = []
  const add = (statement: Statement, columns: readonly unknown[]): void => {
    if (columns.length > 0) writes.push({ statement, columns })
  }
  const delegations = parted(rows.delegations.changed())
  const sessions = parted(rows.sessions.changed())
  const payments = parted(rows.payments.changed())
  const endUsers = parted(rows.endUsers.changed())
  add(insertAccounts, insertedAccounts({ endUsers: endUsers.fresh }))
  const begun = endUsers.fresh.map(({ value }) => plainText(value.endUser))
  if (begun.length > 0) add(adoptDelegations, [begun])
  add(insertAccounts, insertedAccounts({ delegations: delegations.fresh }))
  for (const level of levelsOf(sessions.fresh)) {
    add(insertAccounts, insertedAccounts({ sessions: level }))
  }
  const known = {
    endUsers: endUsers.known,
    delegations: delegations.known,
    sessions: sessions.known,
  }
  add(updateAccounts, updatedAccounts(known))
  add(markUnsettled, markedUnsettled([...delegations.fresh, ...delegations.known]))
  add(
    writeMerchantUsages,
    writtenMerchantUsages(rows.merchantUsages.changed().map(({ value }) => value)),
  )
  let newest = head.payments
  for (const { value } of payments.fresh) {
    newest += 1
    rows.paymentKeys.set(value.id, String(newest))
  }
  const keys = keysOf(rows)
  const { owners, others } = partedKeys(valuesOf(rows.keys), payments.fresh)
  add(insertPayments, insertedPayments(payments.fresh, owners, keys))
  add(updatePayments, updatedPayments(payments.known))
  add(updatePaymentTerms, updatedTerms(payments.known))
  add(writeKeys, writtenKeys(others, keys))
  add(writeMerchants, writtenMerchants(valuesOf(rows.merchants)))
  const approvals = parted(rows.approvals.changed())
  add(insertApprovals, insertedApprovals(approvals.fresh))
  add(updateApprovals, updatedApprovals(approvals.known))
  add(writeInstruments, writtenInstruments(valuesOf(rows.instruments)))
  add(writeCredentials, writtenBodies(valuesOf(rows.credentials)))
  add(writeOperations, writtenBodies(valuesOf(rows.operations)))
  for (const values of writtenContents(rows.contents.values(), keys.payment)) {
    add(writeContents, values)
  }
  for (const { records, payments, approvals, sessions } of rows.removed) {
    add(shortenRecords, columnsOf(records.map(({ seq, body }) => [seq, body])))
    add(removePayments, removedIds(payments))
    add(removeApprovals, removedIds(approvals))
    add(removeSessions, removedIds(sessions))
  }
  const last = rows.records.at(-1)
  if (last) add(appendAudit, appendedRecords(rows.records, last, newest))
  return writes
}

/** The new payments that have their key themselves, and the keys that have a row. */
function partedKeys(
  records: readonly KeyRecord[],
  payments: readonly Entry<Payment>[],
): { readonly owners: ReadonlySet<string>; readonly others: readonly KeyRecord[] } {
  const owners = new Set<string>()
  const added = new Map(payments.map(({ value }) => [value.id, value]))
  const others = records.filter((record) => {
    const payment = added.get(record.payment ?? '')
    const isOwn = payment !== undefined && isOwnKey(record, payment)
    if (isOwn) owners.add(payment.id)
    return !isOwn
  })
  return { owners, others }
}

/** The keys of rows that other rows name. */
function keysOf({ sessions, delegations, payments, paymentKeys }: TransactionRows): {
  payment(id: string): string
  session(id: string): AccountKey
  delegation(id: string): AccountKey
} {
  const accountKey = ({ pk, value }: Entry<{ readonly id: string }>): AccountKey =>
    pk === undefined ? [null, plainText(value.id)] : [pk, null]
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

function valuesOf<Noun>(entries: Entries<Noun>): Noun[] {
  return entries.changed().map(({ value }) => value)
}

interface Parted<Noun> {
  /** Rows to insert. */
  readonly fresh: readonly Entry<Noun>[]
  /** Rows to update. */
  readonly known: readonly Entry<Noun>[]
}

function parted<Noun>(changed: readonly Entry<Noun>[]): Parted<Noun> {
  return {
    fresh: changed.filter(({ pk }) => pk === undefined),
    known: changed.filter(({ pk }) => pk !== undefined),
  }
}

/** New sessions, parents before their children: a statement does not see its own rows. */
function levelsOf(sessions: readonly Entry<Session>[]): Entry<Session>[][] {
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

/**
 * Adds to what is loaded the rows that were taken for new without asking the database. Answers
 * whether there are any: then one of them may be there, and what was refused may be right.
 */
export function wantTakenForNew(rows: TransactionRows, wanted: Wanted): boolean {
  const before = wanted.accounts.size + wanted.payments.size + wanted.approvals.size
  const add = (ids: Set<string>, { fresh }: Parted<{ readonly id: string }>): void => {
    for (const { value } of fresh) ids.add(value.id)
  }
  add(wanted.accounts, parted(rows.endUsers.changed()))
  add(wanted.accounts, parted(rows.delegations.changed()))
  add(wanted.accounts, parted(rows.sessions.changed()))
  add(wanted.payments, parted(rows.payments.changed()))
  add(wanted.approvals, parted(rows.approvals.changed()))
  return wanted.accounts.size + wanted.payments.size + wanted.approvals.size > before
}
