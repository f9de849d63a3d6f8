import type { Approval } from '../ledger/approval.ts'
import type { EventOf } from '../ledger/audit-event.ts'
import { difference } from './row-difference.ts'

/** The approval as it was asked for. */
export function requestedApproval(event: EventOf<'approval-requested'>, at: number): Approval {
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

/** The approval as it is after an answer, or after its use. */
export function approvalAfter(
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

/** In what an approval's row is not what its records say. */
export function approvalProblem(row: Approval, recorded: Approval): string | undefined {
  return difference(row.id, row, recorded, [
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
