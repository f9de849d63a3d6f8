import {
  type AuditRecord,
  auditRecord,
  BursarError,
  type Change,
  type Content,
  type Credential,
  type Delegation,
  isOverrun,
  type KeyRecord,
  type KnownMerchant,
  type LedgerState,
  type Operation,
  type Payment,
  type RegisteredInstrument,
  type Removed,
  type Scope,
  type Session,
} from '@bursar/core'
import { assertSameDelegation, assertSameSession } from '../tables/account-table.ts'
import { assertSamePayment } from '../tables/payment-table.ts'
import { type ApprovalRows, approvalRows, approvalsOf, putApproval } from './approval-rows.ts'
import { grantedOf, type LimitRows, limitRows, usagesOf } from './limit-rows.ts'
import { wantKey, wantWithin } from './load-plan.ts'
import { pairId, pairOf } from './pair-id.ts'
import { type Entries, entries } from './row-cache.ts'

/** Where the chain of records continues. */
export interface ChainEnd {
  readonly seq: number
  readonly at: number
  readonly hash: string
}

/**
 * All rows that one transaction has to do with: as they were loaded, and as the changes that ran
 * one after another have left them. Everything here is synchronous, and nothing of it is sent.
 */
export interface TransactionRows extends ApprovalRows, LimitRows {
  readonly delegations: Entries<Delegation>
  readonly sessions: Entries<Session>
  readonly payments: Entries<Payment>
  readonly keys: Entries<KeyRecord>
  readonly merchants: Entries<KnownMerchant>
  readonly instruments: Entries<RegisteredInstrument>
  /** The latest payment for a request in a delegation. */
  readonly twins: Entries<Twin>
  /** The latest payment for a request in a session. */
  readonly ownTwins: Entries<OwnTwin>
  readonly credentials: Entries<Credential>
  readonly operations: Entries<Operation>
  readonly contents: Map<string, Content>
  /** The keys that new payments are written with, by their ids. */
  readonly paymentKeys: Map<string, string>
  /** What leaves the ledger, change by change. */
  readonly removed: Removed[]
  readonly records: AuditRecord[]
  /** Throws `RowsNotLoaded` where the transaction has to load more. */
  state(scope: Scope): LedgerState
  write(change: Change<unknown>, now: number): void
  /** When the newest record was written, those of this transaction included. */
  lastAt(): number
}

/** Which payment is the latest one for a request. */
export interface Twin {
  readonly delegation: string
  readonly requestHash: string
  readonly payment: string
}

/** Which payment of a session is its latest one for a request. */
export interface OwnTwin {
  readonly session: string
  readonly requestHash: string
  readonly payment: string
}

export function transactionRows(end: ChainEnd): TransactionRows {
  const rows = emptyRows()
  const records: AuditRecord[] = []
  const contents = new Map<string, Content>()
  const removed: Removed[] = []
  const lastAt = (): number => records.at(-1)?.at ?? end.at
  return {
    ...rows,
    records,
    contents,
    paymentKeys: new Map(),
    removed,
    state: (scope) => stateOf(rows, scope),
    write(change, now) {
      putRows(rows, change)
      for (const content of change.contents ?? []) {
        rows.payments.need(content.payment)
        contents.set(content.payment, content)
      }
      if (change.removed) {
        takeOut(rows, change.removed)
        for (const id of change.removed.payments) contents.delete(id)
        removed.push(change.removed)
      }
      for (const event of change.events) {
        const previous = records.at(-1) ?? (end.seq === 0 ? undefined : end)
        records.push(auditRecord(previous, now, event))
      }
    },
    lastAt,
  }
}

type Rows = Omit<
  TransactionRows,
  'records' | 'contents' | 'paymentKeys' | 'removed' | 'state' | 'write' | 'lastAt'
>

function emptyRows(): Rows {
  return {
    ...approvalRows(),
    ...serviceRows(),
    ...limitRows(),
    delegations: entries<Delegation>({
      noun: 'delegation',
      id: ({ id }) => id,
      want: ({ accounts }, id) => accounts.add(id),
    }),
    sessions: entries<Session>({
      noun: 'session',
      id: ({ id }) => id,
      want: ({ accounts }, id) => accounts.add(id),
    }),
    payments: entries<Payment>({
      noun: 'payment',
      id: ({ id }) => id,
      want: ({ payments }, id) => payments.add(id),
    }),
    keys: entries<KeyRecord>({
      noun: 'key',
      id: ({ session, key }) => pairId(session, key),
      want(wanted, id) {
        const [session, key] = pairOf(id)
        wanted.accounts.add(session)
        wantKey(wanted, { session, key })
      },
    }),
    merchants: entries<KnownMerchant>({
      noun: 'merchant',
      id: ({ delegation, host }) => pairId(delegation, host),
      want(wanted, id) {
        const [account, name] = pairOf(id)
        wanted.accounts.add(account)
        wantWithin(wanted.merchants, { account, name })
      },
    }),
    twins: entries<Twin>({
      noun: 'request',
      id: ({ delegation, requestHash }) => pairId(delegation, requestHash),
      want(wanted, id) {
        const [account, name] = pairOf(id)
        wanted.accounts.add(account)
        wantWithin(wanted.twins, { account, name })
      },
    }),
    ownTwins: entries<OwnTwin>({
      noun: 'request',
      id: ({ session, requestHash }) => pairId(session, requestHash),
      want(wanted, id) {
        const [session, requestHash] = pairOf(id)
        wanted.accounts.add(session)
        wanted.ownTwins.set(id, { session, requestHash })
      },
    }),
    instruments: entries<RegisteredInstrument>({
      noun: 'instrument',
      id: ({ handle }) => handle,
      want: ({ instruments }, id) => instruments.add(id),
    }),
  }
}

function serviceRows(): Pick<Rows, 'credentials' | 'operations'> {
  return {
    credentials: entries<Credential>({
      noun: 'credential',
      id: ({ id }) => id,
      want: ({ credentials }, id) => credentials.add(id),
    }),
    operations: entries<Operation>({
      noun: 'operation',
      id: ({ id }) => id,
      want: ({ operations }, id) => operations.add(id),
    }),
  }
}

function stateOf(rows: Rows, scope: Scope): LedgerState {
  const { sessions, payments, delegations } = rows
  const named = scope.payment === undefined ? undefined : payments.find(scope.payment)?.value
  const asked = scope.approval === undefined ? undefined : rows.approvals.find(scope.approval)
  const sessionId = scope.session ?? named?.session ?? asked?.value.session
  const session = sessionId === undefined ? undefined : sessions.find(sessionId)?.value
  const key =
    session && scope.key !== undefined
      ? rows.keys.find(pairId(session.id, scope.key))?.value
      : undefined
  const pinned = key?.payment === undefined ? undefined : payments.find(key.payment)?.value
  const payment = scope.payment === undefined ? pinned : named
  const delegationId = scope.delegation ?? session?.delegation
  const delegation = delegationId === undefined ? undefined : delegations.find(delegationId)?.value
  const twinRow =
    delegation && scope.requestHash !== undefined
      ? rows.twins.find(pairId(delegation.id, scope.requestHash))?.value
      : undefined
  // The latest one may have gone into an archive just before.
  const twin = twinRow && payments.find(twinRow.payment)?.value
  const ownTwinRow =
    session && scope.requestHash !== undefined && twin && twin.session !== session.id
      ? rows.ownTwins.find(pairId(session.id, scope.requestHash))?.value
      : undefined
  const ownTwin = ownTwinRow && payments.find(ownTwinRow.payment)?.value
  const merchant =
    delegation && scope.host !== undefined
      ? rows.merchants.find(pairId(delegation.id, scope.host))?.value
      : undefined
  const instrument =
    scope.instrument === undefined ? undefined : rows.instruments.find(scope.instrument)?.value
  const endUserName = delegation?.endUser ?? scope.endUser
  const endUser = endUserName === undefined ? undefined : rows.endUsers.find(endUserName)?.value
  const ancestors = ancestorsOf(rows, session)
  return {
    ...(session && { session }),
    ancestors,
    ...(delegation && { delegation }),
    ...(endUser && { endUser }),
    ...grantedOf(rows, scope),
    ...usagesOf(rows, [session, ...ancestors, delegation, endUser], scope),
    ...(payment && { payment }),
    ...(key && { key }),
    ...(twin && { twin }),
    ...(ownTwin && { ownTwin }),
    ...(merchant && { merchant }),
    ...(instrument && { instrument }),
    ...approvalsOf(rows, scope, asked?.value, session, ancestors),
    ...serviceRowsOf(rows, scope),
  }
}

function serviceRowsOf(rows: Rows, scope: Scope): Pick<LedgerState, 'credential' | 'operation'> {
  const credential =
    scope.credential === undefined ? undefined : rows.credentials.find(scope.credential)?.value
  const operation =
    scope.operation === undefined ? undefined : rows.operations.find(scope.operation)?.value
  return { ...(credential && { credential }), ...(operation && { operation }) }
}

function ancestorsOf({ sessions }: Rows, session: Session | undefined): Session[] {
  const found: Session[] = []
  let next = session?.parent
  while (next !== undefined) {
    const parent = sessions.need(next).value
    found.push(parent)
    next = parent.parent
  }
  return found
}

function putRows(rows: Rows, change: Change<unknown>): void {
  const { sessions, delegations, payments } = rows
  const overrun = isOverrun(change)
  for (const one of change.instruments ?? []) rows.instruments.put(one, false)
  for (const one of change.endUsers ?? []) rows.endUsers.put(one, overrun)
  for (const one of change.delegations ?? []) putDelegation(rows, one, overrun)
  for (const one of change.merchantUsages ?? []) rows.merchantUsages.put(one, overrun)
  for (const one of change.sessions ?? []) {
    delegations.need(one.delegation)
    if (one.parent !== undefined) sessions.need(one.parent)
    assertSameSession(sessions.put(one, overrun))
  }
  for (const one of change.payments ?? []) putPayment(rows, one)
  for (const one of change.keys ?? []) {
    sessions.need(one.session)
    if (one.payment !== undefined) payments.need(one.payment)
    rows.keys.put(one, false)
  }
  for (const one of change.merchants ?? []) {
    delegations.need(one.delegation)
    rows.merchants.put(one, false)
  }
  for (const one of change.approvals ?? []) putApproval(rows, one)
  for (const one of change.credentials ?? []) rows.credentials.put(one, false)
  for (const one of change.operations ?? []) rows.operations.put(one, false)
}

/** What the same transaction has written about them before goes with them. */
function takeOut({ payments, approvals, sessions, keys }: Rows, removed: Removed): void {
  for (const id of removed.payments) payments.remove(id)
  for (const id of removed.approvals) approvals.remove(id)
  for (const id of removed.sessions) sessions.remove(id)
  const gone = new Set([...removed.sessions, ...removed.payments])
  for (const { value } of [...keys.all()]) {
    const { session, key, payment = '' } = value
    if (gone.has(session) || gone.has(payment)) keys.remove(pairId(session, key))
  }
}

function putDelegation(
  { delegations, granted }: Rows,
  delegation: Delegation,
  overrun: boolean,
): void {
  const { id, endUser } = delegation
  const isNew = !delegations.has(id)
  assertSameDelegation(delegations.put(delegation, overrun))
  // What is not loaded here has it when it is.
  if (!isNew || !granted.has(endUser)) return
  const before = granted.find(endUser)?.value.delegations ?? []
  granted.put({ endUser, delegations: [...before, id] }, false)
}

function putPayment(rows: Rows, payment: Payment): void {
  const { sessions, delegations, payments } = rows
  const { id, session, delegation, endUser, terms } = payment
  sessions.need(session)
  if (delegations.need(delegation).value.endUser !== endUser) {
    throw new BursarError('invariant_broken', `${endUser} is not the end user of ${delegation}.`)
  }
  // A row that is written again is no later for that.
  const isLatest = !payments.has(id)
  assertSamePayment(payments.put(payment, payment.overrun))
  if (!isLatest) return
  const { requestHash } = terms
  rows.twins.put({ delegation, requestHash, payment: id }, false)
  rows.ownTwins.put({ session, requestHash, payment: id }, false)
}
