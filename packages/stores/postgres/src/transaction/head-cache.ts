import type { Delegation, EndUserAccount, KnownMerchant, Payment, Session } from '@bursar/core'
import type { ChainEnd } from '../tables/audit-table.ts'
import type { Entry } from '../tables/entry.ts'
import type { NameInDelegation } from '../tables/merchant-table.ts'
import type { LoadPlan } from './load-plan.ts'
import { pairId } from './row-ids.ts'
import type { TransactionRows } from './transaction-rows.ts'

/** The most accounts and merchants in the cache: about 1 kB each, so some 10 MB. */
const MAX_CACHED = 10_000

/** The most payments in the cache: most are claimed and proven soon after their reservation. */
const MAX_CACHED_PAYMENTS = 2_000

/**
 * A cache of rows that is valid at one head of the audit chain.
 *
 * Every transaction that writes locks the head and moves it. As long as the head stands where this
 * process has left it, no other process has written, and the cached rows are those of the database.
 */
export interface HeadCache {
  /** Returns a plan without the rows that are cached. */
  withoutCached(plan: LoadPlan): LoadPlan
  /** Checks whether the cached rows are those of a ledger whose head stands here. */
  isAt(head: ChainEnd): boolean
  /** Adds the planned rows that are cached to those of a transaction. */
  addTo(rows: TransactionRows, plan: LoadPlan): void
  /** Caches the rows of a transaction that began at one head and was committed at another. */
  keep(rows: TransactionRows, from: ChainEnd, to: ChainEnd): void
  clear(): void
}

/** Returns an empty cache. */
export function headCache(): HeadCache {
  const cached: CachedRows = {
    sessions: new Map(),
    delegations: new Map(),
    endUsers: new Map(),
    merchants: new Map(),
    payments: new Map(),
  }
  let head: ChainEnd | undefined
  const isAt = ({ seq, hash }: ChainEnd): boolean => head?.seq === seq && head.hash === hash
  const clear = (): void => {
    head = undefined
    for (const rows of Object.values(cached)) rows.clear()
  }
  return {
    isAt,
    clear,
    withoutCached: (plan) => ({
      ...plan,
      accounts: new Set([...plan.accounts].filter((id) => !hasCachedAccount(cached, id))),
      payments: new Set([...plan.payments].filter((id) => !hasCachedPayment(cached, id))),
      merchants: new Map(
        [...plan.merchants].filter(([, name]) => !findCachedMerchant(cached, name)),
      ),
    }),
    addTo: (rows, plan) => addCachedRows(cached, rows, plan),
    keep(rows, from, to) {
      const { sessions, delegations, merchants, payments } = cached
      const isFull = sessions.size + delegations.size + merchants.size > MAX_CACHED
      // A new account of an end user, and a removal, change rows that this transaction has not loaded.
      const isBeyond =
        rows.removed.length > 0 || rows.endUsers.changedEntries().some(isCachedInsert)
      if (!isAt(from) || isFull || isBeyond) clear()
      if (payments.size > MAX_CACHED_PAYMENTS) payments.clear()
      head = to
      if (!isBeyond) keepCachedRows(cached, rows)
    },
  }
}

/** A row with its key. Each transaction works on a copy of it. */
interface CachedRow<Noun> {
  readonly pk: string | undefined
  readonly value: Noun
  readonly overrun: boolean
}

interface CachedRows {
  readonly sessions: Map<string, CachedRow<Session>>
  readonly delegations: Map<string, CachedRow<Delegation>>
  /** The cached accounts by the end user's name; undefined for an end user without an account. */
  readonly endUsers: Map<string, CachedRow<EndUserAccount> | undefined>
  readonly merchants: Map<string, CachedRow<KnownMerchant>>
  readonly payments: Map<string, CachedRow<Payment>>
}

function hasCachedDelegation({ delegations, endUsers }: CachedRows, id: string): boolean {
  const delegation = delegations.get(id)?.value
  return delegation !== undefined && endUsers.has(delegation.endUser)
}

/** Returns the sessions from one up to its root, or undefined if a row of the line is not cached. */
function findCachedSessionLine(cached: CachedRows, id: string): readonly Session[] | undefined {
  const line: Session[] = []
  for (let next: string | undefined = id; next !== undefined; ) {
    const session: Session | undefined = cached.sessions.get(next)?.value
    if (!session) return undefined
    line.push(session)
    next = session.parent
  }
  const [first] = line
  return first && hasCachedDelegation(cached, first.delegation) ? line : undefined
}

function hasCachedAccount(cached: CachedRows, id: string): boolean {
  return hasCachedDelegation(cached, id) || findCachedSessionLine(cached, id) !== undefined
}

function hasCachedPayment(cached: CachedRows, id: string): boolean {
  const payment = cached.payments.get(id)?.value
  return payment !== undefined && findCachedSessionLine(cached, payment.session) !== undefined
}

function findCachedMerchant(
  { sessions, payments, merchants }: CachedRows,
  { account, payment, name }: NameInDelegation,
): CachedRow<KnownMerchant> | undefined {
  const ofPayment = payment === undefined ? undefined : payments.get(payment)?.value.delegation
  const ofAccount =
    account === undefined ? undefined : (sessions.get(account)?.value.delegation ?? account)
  const delegation = ofAccount ?? ofPayment
  return delegation === undefined ? undefined : merchants.get(pairId(delegation, name))
}

function addCachedRows(cached: CachedRows, rows: TransactionRows, plan: LoadPlan): void {
  for (const id of plan.accounts) {
    if (hasCachedDelegation(cached, id)) addCachedDelegation(cached, rows, id)
    addCachedSessionLine(cached, rows, id)
  }
  for (const id of plan.payments) {
    const payment = cached.payments.get(id)
    if (!payment || !hasCachedPayment(cached, id)) continue
    rows.payments.add(cachedEntryOf(payment))
    addCachedSessionLine(cached, rows, payment.value.session)
  }
  for (const name of plan.merchants.values()) {
    const merchant = findCachedMerchant(cached, name)
    if (merchant) rows.merchants.add({ value: merchant.value, overrun: false })
  }
}

function addCachedSessionLine(cached: CachedRows, rows: TransactionRows, session: string): void {
  for (const { id, delegation } of findCachedSessionLine(cached, session) ?? []) {
    const row = cached.sessions.get(id)
    if (row && !rows.sessions.has(id)) rows.sessions.add(cachedEntryOf(row))
    addCachedDelegation(cached, rows, delegation)
  }
}

function addCachedDelegation(
  { delegations, endUsers }: CachedRows,
  rows: TransactionRows,
  id: string,
): void {
  const delegation = delegations.get(id)
  if (!delegation || rows.delegations.has(id)) return
  rows.delegations.add(cachedEntryOf(delegation))
  const { endUser } = delegation.value
  const account = endUsers.get(endUser)
  if (account) rows.endUsers.add(cachedEntryOf(account))
  else rows.endUsers.markAsked(endUser)
}

function keepCachedRows(cached: CachedRows, rows: TransactionRows): void {
  for (const entry of rows.sessions.entries()) keepCachedRow(cached.sessions, entry.value.id, entry)
  for (const entry of rows.delegations.entries()) {
    keepCachedRow(cached.delegations, entry.value.id, entry)
    if (isCachedInsert(entry)) continue
    const { endUser } = entry.value
    const account = rows.endUsers.has(endUser) ? rows.endUsers.find(endUser) : undefined
    cached.endUsers.set(endUser, account && cachedRow(account))
  }
  for (const entry of rows.merchants.entries()) {
    cached.merchants.set(pairId(entry.value.delegation, entry.value.host), cachedRow(entry))
  }
  for (const entry of rows.payments.entries()) {
    const pk = entry.pk ?? rows.paymentKeys.get(entry.value.id)
    keepCachedRow(cached.payments, entry.value.id, pk === undefined ? entry : { ...entry, pk })
  }
}

/** Caches a row, unless it was inserted: its key is not known, so it is loaded when it is next used. */
function keepCachedRow<Noun>(
  rows: Map<string, CachedRow<Noun>>,
  id: string,
  entry: Entry<Noun>,
): void {
  if (isCachedInsert(entry)) rows.delete(id)
  else rows.set(id, cachedRow(entry))
}

function isCachedInsert({ pk }: Entry<unknown>): boolean {
  return pk === undefined
}

function cachedRow<Noun>({ pk, value, overrun }: Entry<Noun>): CachedRow<Noun> {
  return { pk, value, overrun }
}

function cachedEntryOf<Noun>({ pk, value, overrun }: CachedRow<Noun>): Entry<Noun> {
  return { ...(pk === undefined ? {} : { pk }), stored: value, value, overrun }
}
