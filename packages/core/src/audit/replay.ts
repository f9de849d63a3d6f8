import type { AuditEvent, EventOf } from '../ledger/audit-event.ts'
import type { AuditRecord } from '../ledger/audit-record.ts'
import type { Delegation } from '../ledger/delegation.ts'
import { type EndUserAccount, endUserAccountId } from '../ledger/end-user-account.ts'
import type { Session } from '../ledger/session.ts'
import {
  addHoldToLimits,
  addOverrunToLimits,
  type Limits,
  type MerchantLimits,
  releaseHoldFromLimits,
  settleHoldInLimits,
  type Usage,
} from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import { limitAccount } from '../rules/end-user-limits.ts'
import { findArchivedSession } from './archive-family.ts'
import {
  parseRecordedAccountLimits,
  replayRecordedDelegation,
  replayRecordedGrant,
  replayRecordedSession,
  replayRecordedSessionChange,
} from './recorded-account.ts'
import { replayRecordedApproval, replayRecordedApprovalChange } from './recorded-approval.ts'
import {
  declareRecordedArchive,
  declareRecordedArchiveMerchant,
  replayArchivedRecord,
  replayArchiveRemoval,
  replayRemainingRecord,
} from './recorded-archive.ts'
import { replayRecordedCredential, replayRecordedCredentialChange } from './recorded-credential.ts'
import { replayRecordedPayment, replayRecordedReservation } from './recorded-payment.ts'
import {
  addReplayedRow,
  ensureReplayedUsage,
  parseReplayedMicro,
  type Replay,
  replayedUsageId,
  requireReplayedRow,
  updateReplayedRow,
} from './replay-state.ts'

/** The rows that a replayed record touches, or the reason why this ledger can't have written the record. */
export type ReplayedRecord =
  | { readonly touched: () => readonly string[] }
  | { readonly problem: string }
  /** The record's session was archived during the reading: the trail has to be read again. */
  | { readonly stale: true }

/** Replays a record with the ledger's own arithmetic. `page` is the cursor that leads to the record's page. */
export function replayRecord(
  replay: Replay,
  record: AuditRecord,
  page: string | undefined,
): ReplayedRecord {
  const event = parseReplayedEvent(record.body)
  if (!event) return { problem: 'its body is no event' }
  try {
    if (event.type === 'record-archived') {
      return replayArchivedRecord(replay, event, record) ? { touched: () => [] } : { stale: true }
    }
    const archive = findArchive(replay, event)
    if (archive !== undefined) {
      replayRemainingRecord(replay, archive, record)
      return {
        touched: replayLateSettlement(replay, event, record)
          ? () => listReplayedRows(replay, event)
          : () => [],
      }
    }
    replayEvent(replay, event, record, page)
    return { touched: () => listReplayedRows(replay, event) }
  } catch (error) {
    if (BursarError.isInstance(error)) return { problem: error.message }
    throw error
  }
}

/** Returns the archive of a record's session; a new child session gets its parent's. Returns undefined if none. */
function findArchive({ archived }: Replay, event: AuditEvent): string | undefined {
  const session = findArchivedSession(event)
  if (session === undefined) return undefined
  const parent = event.type === 'session-created' ? event.parent : undefined
  const archive = archived.get(session) ?? (parent === undefined ? undefined : archived.get(parent))
  if (archive !== undefined) archived.set(session, archive)
  return archive
}

function parseReplayedEvent(body: string): AuditEvent | undefined {
  try {
    const event: unknown = JSON.parse(body)
    const isEvent = typeof event === 'object' && event !== null && 'type' in event
    return isEvent ? (event as AuditEvent) : undefined
  } catch {
    return undefined
  }
}

function replayEvent(
  replay: Replay,
  event: AuditEvent,
  { seq, at }: AuditRecord,
  page: string | undefined,
): void {
  const { sessions, delegations, approvals, instruments, credentials } = replay
  switch (event.type) {
    case 'key-check-created':
      return
    case 'key-issued':
      addReplayedRow(credentials, event.credential, replayRecordedCredential(event, at), seq)
      break
    case 'key-rotated':
    case 'key-revoked':
    case 'key-used':
      updateReplayedRow(credentials, event.credential, (one) =>
        replayRecordedCredentialChange(one, event, at),
      )
      break
    case 'instrument-registered': {
      const { instrument: handle, endUser } = event
      addReplayedRow(instruments, handle, { handle, endUser, registeredAt: at }, seq)
      break
    }
    case 'delegation-granted':
      addReplayedRow(delegations, event.delegation, replayRecordedGrant(event, at), seq)
      replayedGrants(replay, event.endUser).push(event.delegation)
      break
    case 'end-user-limited':
      replayEndUserLimits(replay, event, { seq, at })
      break
    case 'delegation-revoked':
    case 'permission-granted':
    case 'permission-revoked':
    case 'permission-withdrawal-failed':
      updateReplayedRow(delegations, event.delegation, (one) =>
        replayRecordedDelegation(one, event, at),
      )
      break
    case 'session-created':
      addReplayedRow(sessions, event.session, replayRecordedSession(event, at), seq)
      break
    case 'session-changed':
    case 'session-opened':
    case 'session-revoked':
    case 'session-closed':
    case 'session-locked':
    case 'session-unlocked':
      updateReplayedRow(sessions, event.session, (one) =>
        replayRecordedSessionChange(one, event, at),
      )
      break
    case 'approval-requested':
      addReplayedRow(approvals, event.approval, replayRecordedApproval(event, at), seq)
      break
    case 'approval-granted':
    case 'approval-denied':
    case 'approval-used':
      updateReplayedRow(approvals, event.approval, (one) =>
        replayRecordedApprovalChange(one, event, at),
      )
      break
    case 'session-archived':
      declareRecordedArchive(replay, event, requireReplayedRow(delegations, event.delegation))
      break
    case 'merchant-archived':
      declareRecordedArchiveMerchant(replay, event, (account) =>
        ensureReplayedUsage(replay, event, account, seq),
      )
      break
    case 'session-removed':
      replayArchiveRemoval(replay, event)
      break
    default:
      replayPaymentEvent(replay, event, { seq, at }, page)
  }
}

function replayPaymentEvent(
  replay: Replay,
  event: AuditEvent,
  { seq, at }: Pick<AuditRecord, 'seq' | 'at'>,
  page: string | undefined,
): void {
  const { payments } = replay
  switch (event.type) {
    case 'payment-reserved': {
      const micro = parseReplayedMicro(event.amount)
      addReplayedRow(payments, event.payment, replayRecordedReservation(event, at, page), seq)
      replayUsage(replay, event, seq, (limits, usage) => addHoldToLimits(limits, usage, micro, at))
      break
    }
    case 'payment-signed':
    case 'payment-claimed':
    case 'payment-doubted':
    case 'payment-answered':
    case 'payment-repeat-allowed':
    case 'cancellation-answered':
      updateReplayedRow(payments, event.payment, (one) => replayRecordedPayment(one, event, at))
      break
    case 'payment-settled':
    case 'payment-released':
    case 'archived-payment-settled':
      replayPaymentEnd(replay, event, { seq, at })
      break
    default:
    // The other events change no row that is verified.
  }
}

function replayPaymentEnd(
  replay: Replay,
  event: EventOf<'payment-settled' | 'payment-released' | 'archived-payment-settled'>,
  { seq, at }: { readonly seq: number; readonly at: number },
): void {
  const heldMicro = parseReplayedMicro(event.amount)
  if (event.type === 'archived-payment-settled') {
    replayUsage(replay, event, seq, (limits, usage) =>
      addOverrunToLimits(limits, usage, heldMicro, at),
    )
    return
  }
  const { reservedAt } = updateReplayedRow(replay.payments, event.payment, (one) =>
    replayRecordedPayment(one, event, at),
  )
  if (event.type === 'payment-released') {
    replayUsage(replay, event, seq, (limits, usage) =>
      releaseHoldFromLimits(limits, usage, heldMicro, reservedAt),
    )
    return
  }
  const settledMicro = parseReplayedMicro(event.settled)
  replayUsage(replay, event, seq, (limits, usage) =>
    event.overrun
      ? addOverrunToLimits(limits, usage, settledMicro, at)
      : settleHoldInLimits(usage, heldMicro, settledMicro),
  )
}

/** Counts a settlement between the declaration of its archive and the removal of its row: no archive counts it. */
function replayLateSettlement(
  replay: Replay,
  event: AuditEvent,
  { seq, at }: AuditRecord,
): boolean {
  if (event.type !== 'payment-settled' || !event.overrun) return false
  const settledMicro = parseReplayedMicro(event.settled)
  replayUsage(replay, event, seq, (limits, usage) =>
    addOverrunToLimits(limits, usage, settledMicro, at),
  )
  return true
}

type MovingEvent = EventOf<
  'payment-reserved' | 'payment-settled' | 'payment-released' | 'archived-payment-settled'
>

/** Moves the usage of a payment's session, of every session above, of the delegation and of the end user. */
function replayUsage(
  replay: Replay,
  event: MovingEvent,
  seq: number,
  next: (limits: Limits | MerchantLimits, usage: Usage) => Usage,
): void {
  const counted = <One extends Session | Delegation | EndUserAccount>(one: One): One => {
    const { perMerchant } = one.limits
    if (perMerchant) {
      const entry = ensureReplayedUsage(replay, event, one.id, seq)
      const { recorded } = entry
      entry.recorded = { ...recorded, usage: next(perMerchant, recorded.usage) }
    }
    return { ...one, usage: next(one.limits, one.usage) }
  }
  // An archived session is not among the replayed ones.
  const isGone = event.type === 'archived-payment-settled' || replay.archived.has(event.session)
  const sessions = isGone ? [] : listReplayedAncestors(replay, event.session)
  for (const id of sessions) updateReplayedRow(replay.sessions, id, counted)
  updateReplayedRow(replay.delegations, event.delegation, counted)
  const endUser = endUserAccountId(event.endUser)
  const known = replay.endUsers.get(endUser)?.recorded
  if (known && known.limits.currency === event.currency) {
    updateReplayedRow(replay.endUsers, endUser, counted)
  }
}

function replayEndUserLimits(
  replay: Replay,
  event: EventOf<'end-user-limited'>,
  { seq, at }: { readonly seq: number; readonly at: number },
): void {
  const { endUser } = event
  const id = endUserAccountId(endUser)
  const known = replay.endUsers.get(id)
  const delegations = replayedGrants(replay, endUser).flatMap((one) => {
    const entry = replay.delegations.get(one)
    return entry ? [entry.recorded] : []
  })
  const wanted = { endUser, limits: parseRecordedAccountLimits(event.limits) }
  const recorded = limitAccount(known?.recorded, delegations, wanted, at)
  if (known) known.recorded = recorded
  else addReplayedRow(replay.endUsers, id, recorded, seq)
}

function replayedGrants({ granted }: Replay, endUser: string): string[] {
  const known = granted.get(endUser) ?? []
  granted.set(endUser, known)
  return known
}

function listReplayedAncestors({ sessions }: Replay, session: string): string[] {
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

function listReplayedRows(replay: Replay, event: AuditEvent): string[] {
  const ids: string[] = []
  if ('session' in event) ids.push(...listReplayedAncestors(replay, event.session))
  if ('delegation' in event) ids.push(event.delegation)
  if ('payment' in event) ids.push(event.payment)
  if ('credential' in event) ids.push(event.credential)
  if ('approval' in event) ids.push(event.approval)
  if ('endUser' in event) ids.push(endUserAccountId(event.endUser))
  const isOfMerchant = event.type === 'merchant-archived' || 'payment' in event
  if ('payee' in event && isOfMerchant && replay.merchantUsages.size > 0) {
    ids.push(...ids.map((account) => replayedUsageId({ ...event, account })))
  }
  return ids
}
