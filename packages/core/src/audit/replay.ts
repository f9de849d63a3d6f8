import type { AuditEvent, EventOf } from '../ledger/audit-event.ts'
import type { AuditRecord } from '../ledger/audit-record.ts'
import type { Delegation } from '../ledger/delegation.ts'
import { type EndUserAccount, endUserAccountId } from '../ledger/end-user-account.ts'
import type { Session } from '../ledger/session.ts'
import {
  hold,
  type Limits,
  type MerchantLimits,
  overrun,
  releaseHold,
  settleHold,
  type Usage,
} from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import { accountUnder } from '../rules/end-user-limits.ts'
import { sessionOf } from './archive-family.ts'
import { recordedMicro } from './impossible-event.ts'
import {
  createdSession,
  delegationAfter,
  grantedDelegation,
  readLimits,
  sessionAfter,
} from './recorded-account.ts'
import { approvalAfter, requestedApproval } from './recorded-approval.ts'
import {
  declareArchive,
  declareMerchant,
  meetArchived,
  meetRemaining,
  removeArchived,
} from './recorded-archive.ts'
import { credentialAfter, issuedCredential } from './recorded-credential.ts'
import { paymentAfter, recordedPayment } from './recorded-payment.ts'
import { add, entryOf, type Fold, merchantUsageId, update, usageAt } from './replay-state.ts'

/** The rows that a record is about, or why the ledger cannot have written it. */
export type Folded =
  | { readonly touched: () => readonly string[] }
  | { readonly problem: string }
  /** What was read before has been archived meanwhile: the trail has to be read again. */
  | { readonly stale: true }

/**
 * Adds a record with the ledger's own arithmetic. `page` is the cursor that leads to the record's
 * page.
 */
export function foldRecord(fold: Fold, record: AuditRecord, page: string | undefined): Folded {
  const event = readEvent(record.body)
  if (!event) return { problem: 'its body is no event' }
  try {
    if (event.type === 'record-archived') {
      return meetArchived(fold, event, record) ? { touched: () => [] } : { stale: true }
    }
    const archive = archiveOf(fold, event)
    if (archive !== undefined) {
      meetRemaining(fold, archive, record)
      return { touched: countLate(fold, event, record) ? () => touchedBy(fold, event) : () => [] }
    }
    addEvent(fold, event, record, page)
    return { touched: () => touchedBy(fold, event) }
  } catch (error) {
    if (BursarError.isInstance(error)) return { problem: error.message }
    throw error
  }
}

/** The archive that a record belongs to whose others are in one; a child's first record says so. */
function archiveOf({ archived }: Fold, event: AuditEvent): string | undefined {
  const session = sessionOf(event)
  if (session === undefined) return undefined
  const parent = event.type === 'session-created' ? event.parent : undefined
  const archive = archived.get(session) ?? (parent === undefined ? undefined : archived.get(parent))
  if (archive !== undefined) archived.set(session, archive)
  return archive
}

function readEvent(body: string): AuditEvent | undefined {
  try {
    const event: unknown = JSON.parse(body)
    const isEvent = typeof event === 'object' && event !== null && 'type' in event
    return isEvent ? (event as AuditEvent) : undefined
  } catch {
    return undefined
  }
}

function addEvent(
  fold: Fold,
  event: AuditEvent,
  { seq, at }: AuditRecord,
  page: string | undefined,
): void {
  const { sessions, delegations, payments, approvals, instruments, credentials } = fold
  switch (event.type) {
    case 'key-issued':
      add(credentials, event.credential, issuedCredential(event, at), seq)
      break
    case 'key-rotated':
    case 'key-revoked':
    case 'key-used':
      update(credentials, event.credential, (one) => credentialAfter(one, event, at))
      break
    case 'instrument-registered': {
      const { instrument: handle, endUser } = event
      add(instruments, handle, { handle, endUser, registeredAt: at }, seq)
      break
    }
    case 'delegation-granted':
      add(delegations, event.delegation, grantedDelegation(event, at), seq)
      grantedBy(fold, event.endUser).push(event.delegation)
      break
    case 'end-user-limited':
      limit(fold, event, { seq, at })
      break
    case 'delegation-revoked':
    case 'permission-granted':
    case 'permission-revoked':
    case 'permission-withdrawal-failed':
      update(delegations, event.delegation, (one) => delegationAfter(one, event, at))
      break
    case 'session-created':
      add(sessions, event.session, createdSession(event, at), seq)
      break
    case 'session-changed':
    case 'session-revoked':
    case 'session-closed':
    case 'session-locked':
    case 'session-unlocked':
      update(sessions, event.session, (one) => sessionAfter(one, event, at))
      break
    case 'approval-requested':
      add(approvals, event.approval, requestedApproval(event, at), seq)
      break
    case 'approval-granted':
    case 'approval-denied':
    case 'approval-used':
      update(approvals, event.approval, (one) => approvalAfter(one, event, at))
      break
    case 'payment-reserved': {
      const micro = recordedMicro(event.amount)
      add(payments, event.payment, recordedPayment(event, at, page), seq)
      move(fold, event, seq, (limits, usage) => hold(limits, usage, micro, at))
      break
    }
    case 'payment-signed':
    case 'payment-claimed':
    case 'payment-doubted':
      update(payments, event.payment, (one) => paymentAfter(one, event, at))
      break
    case 'payment-settled':
    case 'payment-released':
    case 'archived-payment-settled':
      conclude(fold, event, { seq, at })
      break
    case 'session-archived':
      declareArchive(fold, event, entryOf(delegations, event.delegation))
      break
    case 'merchant-archived':
      declareMerchant(fold, event, (account) => usageAt(fold, event, account, seq))
      break
    case 'session-removed':
      removeArchived(fold, event)
      break
    default:
    // The others change no row that is folded.
  }
}

function conclude(
  fold: Fold,
  event: EventOf<'payment-settled' | 'payment-released' | 'archived-payment-settled'>,
  { seq, at }: { readonly seq: number; readonly at: number },
): void {
  const heldMicro = recordedMicro(event.amount)
  if (event.type === 'archived-payment-settled') {
    move(fold, event, seq, (limits, usage) => overrun(limits, usage, heldMicro, at))
    return
  }
  const { reservedAt } = update(fold.payments, event.payment, (one) => paymentAfter(one, event, at))
  if (event.type === 'payment-released') {
    move(fold, event, seq, (limits, usage) => releaseHold(limits, usage, heldMicro, reservedAt))
    return
  }
  const settledMicro = recordedMicro(event.settled)
  move(fold, event, seq, (limits, usage) =>
    event.overrun
      ? overrun(limits, usage, settledMicro, at)
      : settleHold(usage, heldMicro, settledMicro),
  )
}

/** A settlement that came after its archive was declared, and before its row went, counts in no archive. */
function countLate(fold: Fold, event: AuditEvent, { seq, at }: AuditRecord): boolean {
  if (event.type !== 'payment-settled' || !event.overrun) return false
  const settledMicro = recordedMicro(event.settled)
  move(fold, event, seq, (limits, usage) => overrun(limits, usage, settledMicro, at))
  return true
}

type MovingEvent = EventOf<
  'payment-reserved' | 'payment-settled' | 'payment-released' | 'archived-payment-settled'
>

/** A payment counts in its session, in every session above that one, and so on up to the end user. */
function move(
  fold: Fold,
  event: MovingEvent,
  seq: number,
  next: (limits: Limits | MerchantLimits, usage: Usage) => Usage,
): void {
  const counted = <One extends Session | Delegation | EndUserAccount>(one: One): One => {
    const { perMerchant } = one.limits
    if (perMerchant) {
      const entry = usageAt(fold, event, one.id, seq)
      const { recorded } = entry
      entry.recorded = { ...recorded, usage: next(perMerchant, recorded.usage) }
    }
    return { ...one, usage: next(one.limits, one.usage) }
  }
  // What is in an archive has no sessions here.
  const isGone = event.type === 'archived-payment-settled' || fold.archived.has(event.session)
  const sessions = isGone ? [] : withAncestors(fold, event.session)
  for (const id of sessions) update(fold.sessions, id, counted)
  update(fold.delegations, event.delegation, counted)
  const endUser = endUserAccountId(event.endUser)
  const known = fold.endUsers.get(endUser)?.recorded
  if (known && known.limits.currency === event.currency) {
    update(fold.endUsers, endUser, counted)
  }
}

function limit(
  fold: Fold,
  event: EventOf<'end-user-limited'>,
  { seq, at }: { readonly seq: number; readonly at: number },
): void {
  const { endUser } = event
  const id = endUserAccountId(endUser)
  const known = fold.endUsers.get(id)
  const delegations = grantedBy(fold, endUser).flatMap((one) => {
    const entry = fold.delegations.get(one)
    return entry ? [entry.recorded] : []
  })
  const wanted = { endUser, limits: readLimits(event.limits) }
  const recorded = accountUnder(known?.recorded, delegations, wanted, at)
  if (known) known.recorded = recorded
  else add(fold.endUsers, id, recorded, seq)
}

function grantedBy({ granted }: Fold, endUser: string): string[] {
  const known = granted.get(endUser) ?? []
  granted.set(endUser, known)
  return known
}

function withAncestors({ sessions }: Fold, session: string): string[] {
  const line: string[] = []
  for (
    let id: string | undefined = session;
    id !== undefined && !line.includes(id);
    id = sessions.get(id)?.recorded.parent
  ) {
    line.push(id)
  }
  return line
}

function touchedBy(fold: Fold, event: AuditEvent): string[] {
  const ids: string[] = []
  if ('session' in event) ids.push(...withAncestors(fold, event.session))
  if ('delegation' in event) ids.push(event.delegation)
  if ('payment' in event) ids.push(event.payment)
  if ('credential' in event) ids.push(event.credential)
  if ('approval' in event) ids.push(event.approval)
  if ('endUser' in event) ids.push(endUserAccountId(event.endUser))
  const isOfMerchant = event.type === 'merchant-archived' || 'payment' in event
  if ('payee' in event && isOfMerchant && fold.merchantUsages.size > 0) {
    ids.push(...ids.map((account) => merchantUsageId({ ...event, account })))
  }
  return ids
}
