import { endUserAccountId, type LedgerState, MAX_RECENT_APPROVALS, type Scope } from '@bursar/core'
import type { Client } from 'pg'
import { execute, pipelined, type Row } from '../database/statement.ts'
import {
  delegationEntry,
  endUserEntry,
  kindOf,
  readAccounts,
  readGranted,
  sessionEntry,
} from '../tables/account-table.ts'
import { approvalEntry, readApprovals } from '../tables/approval-table.ts'
import { type Head, headOf, lockHead, readClock } from '../tables/audit-table.ts'
import {
  credentialEntry,
  operationOf,
  readCredentials,
  readOperations,
} from '../tables/credential-table.ts'
import { originalText, plainText } from '../tables/escape-nul-text.ts'
import { merchantUsageOf, readMerchantUsages } from '../tables/merchant-usage-table.ts'
import { paymentEntry, readPayments } from '../tables/payment-table.ts'
import {
  instrumentOf,
  keyOf,
  merchantOf,
  readInstruments,
  readKeys,
  readMerchants,
} from '../tables/small-tables.ts'
import { endUserOf, usageId } from './limit-rows.ts'
import {
  type Learnt,
  type Wanted,
  type WantedUsage,
  type WantedWithin,
  wantedBy,
} from './load-plan.ts'
import { pairId } from './pair-id.ts'
import { RowsNotLoaded } from './row-cache.ts'
import type { KnownRows } from './row-cache-head.ts'
import { type TransactionRows, transactionRows } from './transaction-rows.ts'

/** What a writing transaction begins with. */
export interface Locked {
  readonly rows: TransactionRows
  readonly head: Head
  /** The database's clock, read after the lock. */
  readonly now: number
}

/**
 * Begins a transaction that writes, in one round trip: first the lock, which every writer takes; then,
 * each in a statement of its own, whose snapshot is therefore younger than the lock, everything else.
 * What this process remembers is not read, unless the head says that somebody else has written.
 */
export async function beginLocked(
  client: Client,
  wanted: Wanted,
  known: KnownRows,
): Promise<Locked> {
  const missing = known.missing(wanted)
  const [, heads, clock, accounts, found] = await pipelined(client, () => [
    client.query('BEGIN'),
    execute(client, lockHead, []),
    execute(client, readClock, []),
    readLines(client, missing),
    readOthers(client, missing),
  ])
  const head = headOf(heads[0] ?? {})
  const now = Number(clock[0]?.now)
  const isCurrent = known.isOf(head)
  if (isCurrent || isSameSize(missing, wanted)) {
    if (!isCurrent) known.forget()
    return { rows: filled(wanted, head, accounts, found, known), head, now }
  }
  known.forget()
  const [newAccounts, newFound] = await pipelined(client, () => [
    readLines(client, wanted),
    readOthers(client, wanted),
  ])
  return { rows: filled(wanted, head, newAccounts, newFound, known), head, now }
}

function isSameSize(missing: Wanted, { accounts, payments, merchants }: Wanted): boolean {
  return (
    missing.accounts.size === accounts.size &&
    missing.payments.size === payments.size &&
    missing.merchants.size === merchants.size
  )
}

/** Accounts, and all that they belong to. */
async function readLines(client: Client, wanted: Wanted): Promise<readonly Row[]> {
  const { accounts, payments, approvals, endUsers } = wanted
  const some = accounts.size + payments.size + approvals.size + endUsers.size > 0
  return some ? await execute(client, readAccounts, accountValues(wanted)) : []
}

/** Reads one consistent state, in one round trip and without a lock. */
async function readRows(client: Client, wanted: Wanted): Promise<TransactionRows> {
  const [, accounts, found] = await pipelined(client, () => [
    client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'),
    execute(client, readAccounts, accountValues(wanted)),
    readOthers(client, wanted),
    client.query('COMMIT'),
  ])
  return filled(wanted, { seq: 0, at: 0, hash: '' }, accounts, found)
}

/** What a scope names; what turns out to be needed besides is read with it in another attempt. */
export async function readState(
  client: Client,
  scope: Scope,
  learnt: Learnt,
): Promise<LedgerState> {
  const wanted = wantedBy([scope], learnt)
  for (;;) {
    const rows = await readRows(client, wanted)
    try {
      return rows.state(scope)
    } catch (error) {
      if (!(error instanceof RowsNotLoaded)) throw error
      error.want(wanted)
      learnt.perMerchant ||= wanted.usages.size > 0
    }
  }
}

/** The rows besides accounts. */
interface Others {
  readonly payments: readonly Row[]
  readonly keys: readonly Row[]
  readonly merchants: readonly Row[]
  readonly instruments: readonly Row[]
  readonly approvals: readonly Row[]
  readonly credentials: readonly Row[]
  readonly operations: readonly Row[]
  readonly usages: readonly Row[]
  readonly granted: readonly Row[]
}

/** What nobody wants is not asked for. */
async function readOthers(client: Client, wanted: Wanted): Promise<Others> {
  const ids = [...wanted.payments].map(plainText)
  const keys = [...wanted.keys.values()]
  const keyValues = [
    keys.map((one) => plainText(one.session)),
    keys.map((one) => plainText(one.key)),
  ]
  const twins = withinValues(wanted.twins)
  const merchants = withinValues(wanted.merchants)
  const handles = [...wanted.instruments].map(plainText)
  const own = requestValues(wanted)
  const some = ids.length + keys.length + wanted.twins.size + wanted.ownTwins.size > 0
  const none: Promise<readonly Row[]> = Promise.resolve([])
  const approvals = [[...wanted.approvals].map(plainText), ...termsValues(wanted)]
  const isAsked = wanted.approvals.size + wanted.terms.size > 0
  const credentials = [...wanted.credentials].map(plainText)
  const operations = [...wanted.operations].map(plainText)
  const usages = [...wanted.usages.values()]
  const endUsers = [...wanted.endUsers].map(plainText)
  const found = await pipelined(client, () => [
    some ? execute(client, readPayments, [ids, ...keyValues, ...twins, ...own]) : none,
    keys.length > 0 ? execute(client, readKeys, keyValues) : none,
    wanted.merchants.size > 0 ? execute(client, readMerchants, merchants) : none,
    handles.length > 0 ? execute(client, readInstruments, [handles]) : none,
    isAsked ? execute(client, readApprovals, approvals) : none,
    credentials.length > 0 ? execute(client, readCredentials, [credentials]) : none,
    operations.length > 0 ? execute(client, readOperations, [operations]) : none,
    usages.length > 0 ? execute(client, readMerchantUsages, usageValues(usages)) : none,
    endUsers.length > 0 ? execute(client, readGranted, [endUsers]) : none,
  ])
  return {
    payments: found[0],
    keys: found[1],
    merchants: found[2],
    instruments: found[3],
    approvals: found[4],
    credentials: found[5],
    operations: found[6],
    usages: found[7],
    granted: found[8],
  }
}

function usageValues(usages: readonly WantedUsage[]): unknown[] {
  const plain = (text: string | undefined) => (text === undefined ? null : plainText(text))
  return [
    usages.map(({ account }) => plain(account)),
    usages.map(({ payment }) => plain(payment)),
    usages.map(({ host }) => plainText(host)),
    usages.map(({ payee }) => plainText(payee)),
  ]
}

function accountValues({ accounts, payments, approvals, endUsers }: Wanted): unknown[] {
  return [accounts, payments, approvals, endUsers].map((ids) => [...ids].map(plainText))
}

function termsValues({ terms }: Wanted): unknown[] {
  const all = [...terms.values()]
  return [
    all.map(({ session }) => plainText(session)),
    all.map(({ termsHash }) => plainText(termsHash)),
  ]
}

function requestValues({ ownTwins }: Wanted): unknown[] {
  const all = [...ownTwins.values()]
  return [
    all.map(({ session }) => plainText(session)),
    all.map(({ requestHash }) => plainText(requestHash)),
  ]
}

function withinValues(within: Wanted['twins']): unknown[] {
  const all = [...within.values()]
  const plain = (text: string | undefined) => (text === undefined ? null : plainText(text))
  return [
    all.map(({ account }) => plain(account)),
    all.map(({ payment }) => plain(payment)),
    all.map(({ name }) => plainText(name)),
  ]
}

function filled(
  wanted: Wanted,
  end: { readonly seq: number; readonly at: number; readonly hash: string },
  accounts: readonly Row[],
  found: Others,
  known?: KnownRows,
): TransactionRows {
  const rows = transactionRows(end)
  known?.fill(rows, wanted)
  for (const id of wanted.accounts) {
    rows.sessions.asked(id)
    rows.delegations.asked(id)
    const endUser = endUserOf(id)
    if (endUser !== undefined) rows.endUsers.asked(endUser)
  }
  fillAccounts(rows, accounts)
  for (const id of wanted.payments) rows.payments.asked(id)
  const payments = found.payments.map(paymentEntry)
  for (const entry of payments) rows.payments.add(entry)
  for (const { session, key } of wanted.keys.values()) rows.keys.asked(pairId(session, key))
  for (const value of found.keys.map(keyOf)) rows.keys.add({ value, overrun: false })
  for (const handle of wanted.instruments) rows.instruments.asked(handle)
  for (const value of found.instruments.map(instrumentOf)) {
    rows.instruments.add({ value, overrun: false })
  }
  for (const pair of pairsOf(rows, wanted.merchants)) rows.merchants.asked(pair)
  for (const value of found.merchants.map(merchantOf)) rows.merchants.add({ value, overrun: false })
  const twins = pairsOf(rows, wanted.twins)
  for (const pair of twins) rows.twins.asked(pair)
  for (const pair of wanted.ownTwins.keys()) rows.ownTwins.asked(pair)
  // In the order of their keys: the last one for a request is the latest.
  for (const { value } of payments) {
    const { id: payment, session, delegation, terms } = value
    const { requestHash } = terms
    if (twins.has(pairId(delegation, requestHash))) {
      rows.twins.add({ value: { delegation, requestHash, payment }, overrun: false })
    }
    if (wanted.ownTwins.has(pairId(session, requestHash))) {
      rows.ownTwins.add({ value: { session, requestHash, payment }, overrun: false })
    }
  }
  fillApprovals(rows, wanted, found.approvals)
  for (const id of wanted.credentials) rows.credentials.asked(id)
  for (const row of found.credentials) rows.credentials.add(credentialEntry(row))
  for (const id of wanted.operations) rows.operations.asked(id)
  for (const value of found.operations.map(operationOf))
    rows.operations.add({ value, overrun: false })
  fillGranted(rows, wanted, found.granted)
  fillUsages(rows, wanted, found.usages)
  return rows
}

function fillAccounts(rows: TransactionRows, accounts: readonly Row[]): void {
  for (const row of accounts) {
    const kind = kindOf(row)
    if (kind === 'session') rows.sessions.add(sessionEntry(row))
    if (kind === 'end user') rows.endUsers.add(endUserEntry(row))
    if (kind !== 'delegation') continue
    const entry = delegationEntry(row)
    rows.delegations.add(entry)
    // Otherwise it is among these rows.
    if (row.parent === null) rows.endUsers.asked(entry.value.endUser)
  }
}

/** Accounts of end users; what is not among the rows of accounts is loaded next. */
function fillGranted(rows: TransactionRows, wanted: Wanted, found: readonly Row[]): void {
  for (const endUser of wanted.endUsers) {
    const own = found.filter((row) => row.end_user === plainText(endUser))
    if (own.every((row) => kindOf(row) !== 'end user')) rows.endUsers.asked(endUser)
    const delegations = own
      .filter((row) => kindOf(row) === 'delegation')
      .map((row) => originalText(row.id as string))
    rows.granted.add({ value: { endUser, delegations }, overrun: false })
  }
}

/** What was asked for and is not there, was never spent. */
function fillUsages(rows: TransactionRows, wanted: Wanted, found: readonly Row[]): void {
  for (const one of wanted.usages.values()) {
    for (const account of lineOf(rows, one)) {
      rows.merchantUsages.asked(usageId(account, one.host, one.payee))
    }
  }
  for (const row of found) rows.merchantUsages.add({ value: merchantUsageOf(row), overrun: false })
}

/** The ids of an account, or of a payment's session, and of all that it draws from. */
function lineOf(rows: TransactionRows, { account, payment }: WantedUsage): readonly string[] {
  const { sessions, delegations, payments } = rows
  const paid = payment !== undefined && payments.has(payment) ? payments.find(payment) : undefined
  const line: string[] = []
  let next = account ?? paid?.value.session
  while (next !== undefined && !line.includes(next)) {
    line.push(next)
    const session = sessions.has(next) ? sessions.find(next)?.value : undefined
    const delegation = delegations.has(next) ? delegations.find(next)?.value : undefined
    const above = session?.parent ?? session?.delegation
    next = delegation ? endUserAccountId(delegation.endUser) : above
  }
  return line
}

function fillApprovals(rows: TransactionRows, wanted: Wanted, found: readonly Row[]): void {
  for (const id of wanted.approvals) rows.approvals.asked(id)
  const approvals = found.map(approvalEntry)
  for (const entry of approvals) rows.approvals.add(entry)
  const newestFirst = approvals.map(({ value }) => value).toReversed()
  for (const { session, termsHash } of wanted.terms.values()) {
    const ofRoot = newestFirst.filter((one) => one.root === session)
    const recent = ofRoot.slice(0, MAX_RECENT_APPROVALS).map(({ id }) => id)
    rows.recent.add({ value: { root: session, approvals: recent }, overrun: false })
    rows.answers.asked(pairId(session, termsHash))
    const latest = newestFirst.find((one) => one.session === session && one.termsHash === termsHash)
    if (!latest) continue
    rows.answers.add({ value: { session, termsHash, approval: latest.id }, overrun: false })
  }
}

/** Delegation and name of what was asked for; without those whose delegation was not found. */
function pairsOf(rows: TransactionRows, within: Wanted['twins']): ReadonlySet<string> {
  const pairs = new Set<string>()
  for (const one of within.values()) {
    const delegation = delegationOf(rows, one)
    if (delegation !== undefined) pairs.add(pairId(delegation, one.name))
  }
  return pairs
}

function delegationOf(
  rows: TransactionRows,
  { account, payment }: WantedWithin,
): string | undefined {
  if (account === undefined) {
    return payment === undefined ? undefined : rows.payments.find(payment)?.value.delegation
  }
  return rows.delegations.has(account) ? account : rows.sessions.find(account)?.value.delegation
}
