import type { Delegation, EndUserAccount, KnownMerchant, Payment, Session } from '@bursar/core'
import type { Entry } from './entries.ts'
import { pairId } from './pair-id.ts'
import type { ChainEnd, TransactionRows } from './transaction-rows.ts'
import type { Wanted, WantedWithin } from './wanted.ts'

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
  let head: ChainEnd | undefined
  const sessions = new Map<string, Known<Session>>()
  const delegations = new Map<string, Known<Delegation>>()
  /** By name; `undefined` for one without an account. */
  const endUsers = new Map<string, Known<EndUserAccount> | undefined>()
  const merchants = new Map<string, Known<KnownMerchant>>()
  const payments = new Map<string, Known<Payment>>()
  const all = [sessions, delegations, endUsers, merchants, payments]

  const forget = (): void => {
    head = undefined
    for (const one of all) one.clear()
  }
  /** The sessions from one up to its root; `undefined` where one, or what they draw from, is not known. */
  const lineOf = (id: string): readonly Session[] | undefined => {
    const line: Session[] = []
    for (let next: string | undefined = id; next !== undefined; ) {
      const session: Session | undefined = sessions.get(next)?.value
      if (!session) return undefined
      line.push(session)
      next = session.parent
    }
    const [first] = line
    return first && isDelegationKnown(first.delegation) ? line : undefined
  }
  const isDelegationKnown = (id: string): boolean => {
    const delegation = delegations.get(id)?.value
    return delegation !== undefined && endUsers.has(delegation.endUser)
  }
  const isAccountKnown = (id: string): boolean => isDelegationKnown(id) || lineOf(id) !== undefined
  const isPaymentKnown = (id: string): boolean => {
    const payment = payments.get(id)?.value
    return payment !== undefined && lineOf(payment.session) !== undefined
  }
  const merchantOf = ({ account, payment, name }: WantedWithin): string | undefined => {
    const ofPayment = payment === undefined ? undefined : payments.get(payment)?.value.delegation
    const delegation =
      account === undefined ? ofPayment : (sessions.get(account)?.value.delegation ?? account)
    const id = delegation === undefined ? undefined : pairId(delegation, name)
    return id !== undefined && merchants.has(id) ? id : undefined
  }
  return {
    isOf: ({ seq, hash }) => head?.seq === seq && head.hash === hash,
    missing(wanted) {
      return {
        ...wanted,
        accounts: new Set([...wanted.accounts].filter((id) => !isAccountKnown(id))),
        payments: new Set([...wanted.payments].filter((id) => !isPaymentKnown(id))),
        merchants: new Map([...wanted.merchants].filter(([, one]) => !merchantOf(one))),
      }
    },
    fill(rows, wanted) {
      const fillDelegation = (id: string): void => {
        const delegation = delegations.get(id)
        if (!delegation || rows.delegations.has(id)) return
        rows.delegations.add(entryOf(delegation))
        const { endUser } = delegation.value
        const account = endUsers.get(endUser)
        if (account) rows.endUsers.add(entryOf(account))
        else rows.endUsers.asked(endUser)
      }
      const fillSession = (id: string): void => {
        for (const session of lineOf(id) ?? []) {
          const known = sessions.get(session.id)
          if (known && !rows.sessions.has(session.id)) rows.sessions.add(entryOf(known))
          fillDelegation(session.delegation)
        }
      }
      for (const id of wanted.accounts) {
        if (!isAccountKnown(id)) continue
        fillDelegation(id)
        fillSession(id)
      }
      for (const id of wanted.payments) {
        const payment = payments.get(id)
        if (!payment || !isPaymentKnown(id)) continue
        rows.payments.add(entryOf(payment))
        fillSession(payment.value.session)
      }
      for (const one of wanted.merchants.values()) {
        const merchant = merchants.get(merchantOf(one) ?? '')
        if (merchant) rows.merchants.add({ value: merchant.value, overrun: false })
      }
    },
    learn(rows, from, to) {
      const isSame = head?.seq === from.seq && head.hash === from.hash
      const isLarge = sessions.size + delegations.size + merchants.size > MAX_KNOWN
      // Accounts that begin, and what goes, change more rows than those that are here.
      const isMoved = rows.removed.length > 0 || rows.endUsers.changed().some(isFresh)
      if (!isSame || isLarge || isMoved) forget()
      if (payments.size > MAX_KNOWN_PAYMENTS) payments.clear()
      head = to
      if (isMoved) return
      for (const one of rows.sessions.all()) keep(sessions, one.value.id, one)
      for (const one of rows.delegations.all()) {
        keep(delegations, one.value.id, one)
        if (isFresh(one)) continue
        const { endUser } = one.value
        const account = rows.endUsers.has(endUser) ? rows.endUsers.find(endUser) : undefined
        endUsers.set(endUser, account && knownOf(account))
      }
      for (const one of rows.merchants.all()) {
        merchants.set(pairId(one.value.delegation, one.value.host), knownOf(one))
      }
      for (const one of rows.payments.all()) {
        const pk = one.pk ?? rows.paymentKeys.get(one.value.id)
        keep(payments, one.value.id, pk === undefined ? one : { ...one, pk })
      }
    },
    forget,
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
