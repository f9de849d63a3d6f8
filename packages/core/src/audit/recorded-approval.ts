import type { Approval } from '../ledger/approval.ts'
import type { EventOf } from '../ledger/audit-event.ts'
import { findRowDifference } from './row-difference.ts'

/** Returns the approval that a record requested. */
export function replayRecordedApproval(event: EventOf<'approval-requested'>, at: number): Approval {
  const { approval: id, session, root, delegation, endUser, termsHash, key, card, reason } = event
  return {
    id,
    session,
    root,
    delegation,
    endUser,
    state: 'waiting',
    termsHash,
    ...(key === undefined ? {} : { key }),
    card,
    reason,
    createdAt: at,
    expiresAt: event.expiresAt,
  }
}

/** Returns an approval after a record answered or used it. */
export function replayRecordedApprovalChange(
  approval: Approval,
  event: EventOf<'approval-granted' | 'approval-denied' | 'approval-used'>,
  at: number,
): Approval {
  switch (event.type) {
    case 'approval-granted':
      return { ...approval, state: 'approved', decidedAt: at }
    case 'approval-denied':
      return { ...approval, state: 'denied', decidedAt: at }
    case 'approval-used':
      return { ...approval, state: 'used', payment: event.payment }
    default:
      return event satisfies never
  }
}

/** Returns the first field in which an approval's row differs from its records. Returns undefined if none does. */
export function findRecordedApprovalDifference(
  row: Approval,
  recorded: Approval,
): string | undefined {
  return findRowDifference(row.id, row, recorded, [
    'state',
    'session',
    'root',
    'delegation',
    'endUser',
    'termsHash',
    'key',
    'card',
    'reason',
    'expiresAt',
    'decidedAt',
    'payment',
    'createdAt',
  ])
}
