import { createHash } from 'node:crypto'
import type { AuditEvent, AuditRecord, RecordedLimits } from '@bursar/core'
import { createConsent } from './consent.ts'
import type { Merchant, ModelAccount, ModelPayment } from './model-payment.ts'
import { isAt, micro, overLimits, type Sums, sumsOf } from './over-limits.ts'

/** A call to the guard as the model records it. */
export interface Asked {
  readonly session: string
  readonly url: string
  /** The call's idempotency key, equal for every repetition of the call. */
  readonly key: string | undefined
  readonly maxAmount: string | undefined
}

/** A simple model of the ledger, fed with the records of the real one. */
export interface Model {
  readonly accounts: ReadonlyMap<string, ModelAccount>
  readonly payments: ReadonlyMap<string, ModelPayment>
  /** Returns a sentence if the record contradicts the records before it, else undefined. */
  take(record: AuditRecord): string | undefined
  /** Records that a call was answered with a payment. No other payment may follow for its key. */
  answered(call: Asked, payment: string): string | undefined
  /** Returns the sums that an account's status must show. */
  sums(account: ModelAccount, at?: Merchant): Sums
}

type Reserved = Extract<AuditEvent, { readonly type: 'payment-reserved' }>

/** Creates the model from the calls that were made. */
export function createModel(asked: ReadonlyMap<string, Asked>): Model {
  const accounts = new Map<string, ModelAccount>()
  const payments = new Map<string, ModelPayment>()
  const keys = new Map<string, string>()
  const consent = createConsent()
  let lastAt = 0
  const of = (account: ModelAccount): ModelPayment[] =>
    [...payments.values()].filter((one) => lineOf(one.session).includes(account))
  const open = (event: Reserved, at: number): string | undefined => {
    const session = accounts.get(event.session)
    const delegation = accounts.get(event.delegation)
    const call = asked.get(event.purpose)
    if (!session || !delegation || !call) return 'L4: reserved for nobody who asked'
    const paid = paidOf(event, session, delegation, at)
    const key = keyOf(call)
    const problem =
      wrongTerms(paid, event, call) ??
      twiceAsked(paid, [...payments.values()]) ??
      (key !== undefined && keys.has(key) ? `L3: a second payment for key ${key}` : undefined) ??
      lineOf(session)
        .map((account) => wrongAccount(account, paid, of(account), at))
        .find((found) => found !== undefined)
    if (key !== undefined) keys.set(key, paid.id)
    payments.set(paid.id, paid)
    consent.reserved(paid, event.termsHash)
    return problem
  }
  return {
    accounts,
    payments,
    take(record) {
      const { at, body } = record
      if (at < lastAt) return 'L10: the clock of the ledger ran back'
      lastAt = at
      const event = JSON.parse(body) as AuditEvent
      const unasked = consent.take(event, at)
      if (unasked) return unasked
      switch (event.type) {
        case 'payment-reserved':
          return open(event, at)
        case 'payment-answered': {
          const paid = payments.get(event.payment)
          if (paid) paid.toldAt = at
          return undefined
        }
        case 'payment-signed':
        case 'payment-claimed':
        case 'payment-doubted':
        case 'payment-settled':
        case 'payment-released':
          consent.moved(payments.get(event.payment), event)
          return moved(payments.get(event.payment), event, at)
        default:
          return takeAccount(accounts, event, at)
      }
    },
    answered(call, payment) {
      const key = keyOf(call)
      if (key === undefined) return undefined
      const known = keys.get(key) ?? payment
      keys.set(key, known)
      return known === payment ? undefined : `L12: key ${key} answers ${known}, and ${payment}`
    },
    sums: (account, at) => sumsOf(of(account).filter((one) => at === undefined || isAt(one, at))),
  }
}

/** Applies an event to the account that it names. */
function takeAccount(
  accounts: Map<string, ModelAccount>,
  event: AuditEvent,
  at: number,
): string | undefined {
  switch (event.type) {
    case 'delegation-granted':
      return granted(accounts, event, at)
    case 'end-user-limited':
      return limited(accounts, event)
    case 'session-created':
      return opened(accounts, event.session, event.parent ?? event.delegation, event, at)
    case 'session-changed':
      return changed(accounts.get(event.session), event, at)
    case 'delegation-revoked':
      return ended(accounts.get(event.delegation))
    case 'session-revoked':
    case 'session-closed':
      return ended(accounts.get(event.session))
    case 'session-locked':
      return locked(accounts.get(event.session), true)
    case 'session-unlocked':
      return locked(accounts.get(event.session), false)
    default:
      return undefined
  }
}

/** Returns a session with its ancestors and its delegation. */
export function lineOf(account: ModelAccount): ModelAccount[] {
  return [account, ...(account.above ? lineOf(account.above) : [])]
}

/** The delegation that a session draws from. */
export function rootOf(session: ModelAccount | undefined): ModelAccount | undefined {
  return session && lineOf(session).find(({ endUser }) => endUser !== undefined)
}

function keyOf({ session, key }: Asked): string | undefined {
  return key === undefined ? undefined : `${session} ${key}`
}

function paidOf(
  event: Reserved,
  session: ModelAccount,
  delegation: ModelAccount,
  at: number,
): ModelPayment {
  return {
    id: event.payment,
    call: event.purpose,
    session,
    delegation,
    host: event.host,
    payee: event.payee,
    payer: event.payer,
    asset: event.asset,
    atomic: BigInt(event.atomic),
    micro: micro(event.amount),
    nonce: event.nonce,
    requestHash: event.requestHash,
    reservedAt: at,
    validBefore: event.validBefore,
    state: 'reserved',
    countedAt: at,
    overrun: false,
    releasedBy: undefined,
    toldAt: undefined,
    delivered: undefined,
  }
}

/**
 * Checks invariants L3 and L5: the nonce follows from the payment, the terms from the challenge.
 */
function wrongTerms(paid: ModelPayment, event: Reserved, call: Asked): string | undefined {
  const nonce = createHash('sha256').update(`bursar/nonce/1/${paid.id}`).digest('hex')
  if (paid.nonce !== `0x${nonce}`) return 'L3: the nonce does not follow from the payment'
  if (new URL(call.url).host !== paid.host) return 'L5: another host than was asked'
  if (call.session !== event.session) return 'L4: another session than the caller’s'
  // The one asset of this world has six decimals, as budgets have.
  if (paid.atomic !== paid.micro) return 'L9: the amount is not what the asset says'
  const most = call.maxAmount === undefined ? undefined : micro(call.maxAmount)
  return most !== undefined && paid.micro > most ? 'L4: more than the caller allows' : undefined
}

const openStates: readonly ModelPayment['state'][] = ['reserved', 'signed', 'in_doubt']

/** The time after its first answer in which a payment answers its session's identical requests. */
const REPEAT_AFTER_MS = 60_000

/** Checks invariant L12: no second purchase while the first is open, or just made. */
function twiceAsked(paid: ModelPayment, all: readonly ModelPayment[]): string | undefined {
  const twins = all.filter(
    (one) => one.delegation === paid.delegation && one.requestHash === paid.requestHash,
  )
  const open = twins.find((one) => openStates.includes(one.state))
  if (open) return `L12: the same request is open already, as ${open.id}`
  // Only the delegation's latest payment for a request is remembered.
  const last = twins.at(-1)
  if (last?.state !== 'claimed' && last?.state !== 'settled') return undefined
  if (last.delivered === false) return `L12: what was paid was not delivered, as ${last.id}`
  const isRecent =
    last.session === paid.session &&
    (last.toldAt === undefined || paid.reservedAt - last.toldAt < REPEAT_AFTER_MS)
  return isRecent ? `L12: the same request was paid just now, as ${last.id}` : undefined
}

/**
 * Checks L1, L4 and L10 for one account of a payment. `before` are the account's payments so far.
 */
function wrongAccount(
  account: ModelAccount,
  paid: ModelPayment,
  before: readonly ModelPayment[],
  at: number,
): string | undefined {
  const { id, limits } = account
  if (account.ended) return `L10: ${id} had ended`
  if (account.locked) return `L10: ${id} was locked`
  if (at >= account.expiresAt) return `L10: ${id} had expired`
  const rule = account.merchants?.find(({ host }) => host === paid.host)
  if (account.merchants && !rule) return `L4: ${id} does not name ${paid.host}`
  if (rule?.payees && !rule.payees.includes(paid.payee)) return `L4: ${id} does not name the payee`
  const counted = before.filter(({ state }) => state !== 'released')
  const { perMerchant } = limits
  const there = counted.filter((one) => isAt(one, paid))
  const over =
    overLimits(limits, paid, counted, (per) => account.windowsSince.get(per) ?? 0, at) ??
    (perMerchant && overLimits(perMerchant, paid, there, () => 0, at))
  return over && `L1: over the ${over} of ${id}`
}

type Moved = Extract<
  AuditEvent,
  {
    readonly type:
      | 'payment-signed'
      | 'payment-claimed'
      | 'payment-doubted'
      | 'payment-settled'
      | 'payment-released'
  }
>

/** The permitted state changes of a payment (L3 and L7). */
function moved(paid: ModelPayment | undefined, event: Moved, at: number): string | undefined {
  if (!paid) return 'L2: a payment that was never reserved'
  const { state } = paid
  const isFresh = state === 'reserved' || state === 'signed'
  switch (event.type) {
    case 'payment-signed':
      paid.state = 'signed'
      return state === 'reserved' ? undefined : 'L3: signed twice'
    case 'payment-claimed':
      if (isFresh) paid.state = 'claimed'
      paid.delivered = event.delivered
      paid.toldAt ??= event.claimedAt
      return undefined
    case 'payment-doubted':
      if (isFresh) paid.state = 'in_doubt'
      return undefined
    case 'payment-settled':
      paid.state = 'settled'
      paid.overrun = state === 'released'
      if (paid.overrun) paid.countedAt = at
      if (event.overrun !== paid.overrun) return 'L3: an overrun is what follows a release'
      if (micro(event.settled) > paid.micro) return 'L6: more was settled than was held'
      return state === 'settled' ? 'L3: settled twice' : undefined
    case 'payment-released':
      paid.state = 'released'
      paid.releasedBy = event.by
      return state === 'released' || state === 'settled' ? `L3: released when ${state}` : undefined
    default:
      return event satisfies never
  }
}

interface Opened {
  readonly limits: RecordedLimits
  readonly merchants?: ModelAccount['merchants']
  readonly expiresAt: number
}

function opened(
  accounts: Map<string, ModelAccount>,
  id: string,
  aboveId: string | undefined,
  event: Opened,
  at: number,
): string | undefined {
  const above = aboveId === undefined ? undefined : accounts.get(aboveId)
  if (accounts.has(id)) return `L2: ${id} was opened twice`
  accounts.set(id, {
    id,
    above,
    endUser: undefined,
    limits: event.limits,
    merchants: event.merchants,
    expiresAt: event.expiresAt,
    ended: false,
    locked: false,
    windowsSince: new Map((event.limits.windows ?? []).map(({ per }) => [per, at])),
  })
  if (aboveId !== undefined && !above) return `L2: ${id} draws from nothing`
  if (!above) return undefined
  const isOver = event.expiresAt > above.expiresAt
  const isWider = micro(event.limits.total) > micro(above.limits.total)
  const isDead = lineOf(above).some((one) => one.ended || at >= one.expiresAt)
  if (isDead) return `L10: ${id} was opened below what had ended`
  return isWider || isOver ? `L1: ${id} is wider than what it draws from` : undefined
}

type GrantedEvent = Extract<AuditEvent, { readonly type: 'delegation-granted' }>

/** Opens a delegation's account. Its limits may be wider than those of its end user. */
function granted(
  accounts: Map<string, ModelAccount>,
  event: GrantedEvent,
  at: number,
): string | undefined {
  const problem = opened(accounts, event.delegation, undefined, event, at)
  const account = accounts.get(event.delegation)
  if (account) account.endUser = event.endUser
  if (account) account.above = accounts.get(`user:${event.endUser}`)
  return problem
}

/** Counts all earlier payments of an end user, from every delegation, from now on. */
function limited(
  accounts: Map<string, ModelAccount>,
  event: Extract<AuditEvent, { readonly type: 'end-user-limited' }>,
): string | undefined {
  const id = `user:${event.endUser}`
  const account = accounts.get(id) ?? {
    id,
    endUser: undefined,
    above: undefined,
    limits: event.limits,
    merchants: undefined,
    expiresAt: Number.POSITIVE_INFINITY,
    ended: false,
    locked: false,
    windowsSince: new Map(),
  }
  account.limits = event.limits
  accounts.set(id, account)
  for (const one of accounts.values()) if (one.endUser === event.endUser) one.above = account
  return undefined
}

function changed(account: ModelAccount | undefined, event: Opened, at: number): string | undefined {
  if (!account) return 'L2: a session that was never opened'
  const { windowsSince: before } = account
  const dead = lineOf(account).some((one) => one.ended || at >= one.expiresAt)
  account.limits = event.limits
  account.merchants = event.merchants
  account.expiresAt = event.expiresAt
  account.windowsSince = new Map(
    (event.limits.windows ?? []).map(({ per }) => [per, before.get(per) ?? at]),
  )
  return dead ? `L10: ${account.id} had ended, and was changed` : undefined
}

function ended(account: ModelAccount | undefined): string | undefined {
  if (!account) return 'L2: an account that was never opened'
  account.ended = true
  return undefined
}

function locked(account: ModelAccount | undefined, isLocked: boolean): string | undefined {
  if (!account) return 'L2: a session that was never opened'
  account.locked = isLocked
  return undefined
}
