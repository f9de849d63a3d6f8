import type { Delegation, EndUserAccount, KnownMerchant, Payment, Session } from '@bursar/core'
import type { Entry } from '../tables/entry.ts'
import type { Wanted, WantedWithin } from './load-plan.ts'
import { pairId } from './pair-id.ts'
import type { ChainEnd, TransactionRows } from './transaction-rows.ts'

/** Accounts and merchants that are remembered: about 1 kB each, so some 10 MB. */
const MAX_KNOWN = 10_000

/** Payments that are remembered: what follows a reservation mostly comes soon. */
const MAX_KNOWN_PAYMENTS = 2_000

/**
 * Rows as this process has written or loaded them under the head. Whoever writes takes the head, and
 * moves it: as long as it stands where this process has left it, nobody else has written, and what is
 * remembered is what the database has.
 */
export interface KnownRows {
  /** What of the wanted rows is not remembered. */
  missing(wanted: Wanted): Wanted
  /** Whether the rows are those of a ledger whose head stands here. */
  isOf(head: ChainEnd): boolean
  /** Adds the remembered ones of the wanted rows. */
  fill(rows: TransactionRows, wanted: Wanted): void
  /** Remembers the rows of a transaction that began at one head and was committed at another. */
  learn(rows: TransactionRows, from: ChainEnd, to: ChainEnd): void
  forget(): void
}

export function knownRows(): KnownRows {
  const memory: Memory = {
    sessions: new Map(),
    delegations: new Map(),
    endUsers: new Map(),
    merchants: new Map(),
    payments: new Map(),
  }
  let head: ChainEnd | undefined
  const isOf = ({ seq, hash }: ChainEnd): boolean => head?.seq === seq && head.hash === hash
  const forget = (): void => {
    head = undefined
    for (const one of Object.values(memory)) one.clear()
  }
  return {
    isOf,
    forget,
    missing: (wanted) => ({
      ...wanted,
      accounts: new Set([...wanted.accounts].filter((id) => !isAccountKnown(memory, id))),
      payments: new Set([...wanted.payments].filter((id) => !isPaymentKnown(memory, id))),
      merchants: new Map([...wanted.merchants].filter(([, one]) => !merchantOf(memory, one))),
    }),
    fill: (rows, wanted) => fillRows(memory, rows, wanted),
    learn(rows, from, to) {
      const { sessions, delegations, merchants, payments } = memory
      const isLarge = sessions.size + delegations.size + merchants.size > MAX_KNOWN
      // Accounts that begin, and what goes, change more rows than those that are here.
      const isMoved = rows.removed.length > 0 || rows.endUsers.changed().some(isFresh)
      if (!isOf(from) || isLarge || isMoved) forget()
      if (payments.size > MAX_KNOWN_PAYMENTS) payments.clear()
      head = to
      if (!isMoved) keepRows(memory, rows)
    },
  }
}

interface Memory {
  readonly sessions: Map<string, Known<Session>>
  readonly delegations: Map<string, Known<Delegation>>
  /** By name; `undefined` for one without an account. */
  readonly endUsers: Map<string, Known<EndUserAccount> | undefined>
  readonly merchants: Map<string, Known<KnownMerchant>>
  readonly payments: Map<string, Known<Payment>>
}

function isDelegationKnown({ delegations, endUsers }: Memory, id: string): boolean {
  const delegation = delegations.get(id)?.value
  return delegation !== undefined && endUsers.has(delegation.endUser)
}

/** The sessions from one up to its root; `undefined` where one, or what they draw from, is not known. */
function lineOf(memory: Memory, id: string): readonly Session[] | undefined {
  const line: Session[] = []
  for (let next: string | undefined = id; next !== undefined; ) {
    const session: Session | undefined = memory.sessions.get(next)?.value
    if (!session) return undefined
    line.push(session)
    next = session.parent
  }
  const [first] = line
  return first && isDelegationKnown(memory, first.delegation) ? line : undefined
}

function isAccountKnown(memory: Memory, id: string): boolean {
  return isDelegationKnown(memory, id) || lineOf(memory, id) !== undefined
}

function isPaymentKnown(memory: Memory, id: string): boolean {
  const payment = memory.payments.get(id)?.value
  return payment !== undefined && lineOf(memory, payment.session) !== undefined
}

function merchantOf(
  { sessions, payments, merchants }: Memory,
  { account, payment, name }: WantedWithin,
): Known<KnownMerchant> | undefined {
  const ofPayment = payment === undefined ? undefined : payments.get(payment)?.value.delegation
  const ofAccount =
    account === undefined ? undefined : (sessions.get(account)?.value.delegation ?? account)
  const delegation = ofAccount ?? ofPayment
  return delegation === undefined ? undefined : merchants.get(pairId(delegation, name))
}

function fillRows(memory: Memory, rows: TransactionRows, wanted: Wanted): void {
  for (const id of wanted.accounts) {
    if (isDelegationKnown(memory, id)) fillDelegation(memory, rows, id)
    fillLine(memory, rows, id)
  }
  for (const id of wanted.payments) {
    const payment = memory.payments.get(id)
    if (!payment || !isPaymentKnown(memory, id)) continue
    rows.payments.add(entryOf(payment))
    fillLine(memory, rows, payment.value.session)
  }
  for (const one of wanted.merchants.values()) {
    const merchant = merchantOf(memory, one)
    if (merchant) rows.merchants.add({ value: merchant.value, overrun: false })
  }
}

function fillLine(memory: Memory, rows: TransactionRows, session: string): void {
  for (const { id, delegation } of lineOf(memory, session) ?? []) {
    const known = memory.sessions.get(id)
    if (known && !rows.sessions.has(id)) rows.sessions.add(entryOf(known))
    fillDelegation(memory, rows, delegation)
  }
}

function fillDelegation(
  { delegations, endUsers }: Memory,
  rows: TransactionRows,
  id: string,
): void {
  const delegation = delegations.get(id)
  if (!delegation || rows.delegations.has(id)) return
  rows.delegations.add(entryOf(delegation))
  const { endUser } = delegation.value
  const account = endUsers.get(endUser)
  if (account) rows.endUsers.add(entryOf(account))
  else rows.endUsers.asked(endUser)
}

function keepRows(memory: Memory, rows: TransactionRows): void {
  for (const one of rows.sessions.all()) keep(memory.sessions, one.value.id, one)
  for (const one of rows.delegations.all()) {
    keep(memory.delegations, one.value.id, one)
    if (isFresh(one)) continue
    const { endUser } = one.value
    const account = rows.endUsers.has(endUser) ? rows.endUsers.find(endUser) : undefined
    memory.endUsers.set(endUser, account && knownOf(account))
  }
  for (const one of rows.merchants.all()) {
    memory.merchants.set(pairId(one.value.delegation, one.value.host), knownOf(one))
  }
  for (const one of rows.payments.all()) {
    const pk = one.pk ?? rows.paymentKeys.get(one.value.id)
    keep(memory.payments, one.value.id, pk === undefined ? one : { ...one, pk })
  }
}

/** A row with its key. What a transaction makes of it, it makes of a copy. */
interface Known<Noun> {
  readonly pk: string | undefined
  readonly value: Noun
  readonly overrun: boolean
}

function isFresh({ pk }: Entry<unknown>): boolean {
  return pk === undefined
}

function knownOf<Noun>({ pk, value, overrun }: Entry<Noun>): Known<Noun> {
  return { pk, value, overrun }
}

/** The key of a row that was inserted is not known: it is loaded when it is wanted next. */
function keep<Noun>(known: Map<string, Known<Noun>>, id: string, entry: Entry<Noun>): void {
  if (isFresh(entry)) known.delete(id)
  else known.set(id, knownOf(entry))
}

function entryOf<Noun>({ pk, value, overrun }: Known<Noun>): Entry<Noun> {
  return { ...(pk === undefined ? {} : { pk }), stored: value, value, overrun }
}
