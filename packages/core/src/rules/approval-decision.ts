import { rootAccountOf } from '../ledger/accounts.ts'
import {
  APPROVAL_LIFE_MS,
  type Approval,
  approvalCard,
  approvalStanding,
  mayAskApproval,
} from '../ledger/approval.ts'
import { deny } from '../ledger/denial.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { type PayingState, payingState } from '../ledger/paying-state.ts'
import { BursarError } from '../primitives/errors.ts'
import { findAccountEnd } from './account-end.ts'
import type { Intent } from './reservation.ts'

/** The result of asking a human: an approval that waits, or a refusal for this key. */
export type ApprovalQuestion =
  | { readonly kind: 'waiting'; readonly approval: Approval; readonly isNew: boolean }
  | { readonly kind: 'refused'; readonly code: 'approval_denied' | 'approval_expired' }
  | { readonly kind: 'flooded' }

/** Checks whether a human has approved exactly these terms in this session, and the approval is unused. */
export function isApprovedDecision(state: PayingState, now: number): boolean {
  return state.approval !== undefined && approvalStanding(state.approval, now) === 'approved'
}

/**
 * Asks a human about the terms of an intent. Terms that wait already keep their approval; a denial, and
 * an expired approval of the same key, refuse the call.
 */
export function askForApproval(
  state: PayingState,
  intent: Intent,
  reason: string,
  now: number,
): ApprovalQuestion {
  const { approval } = state
  const known = approval && approvalStanding(approval, now)
  if (approval && known === 'waiting') return { kind: 'waiting', approval, isNew: false }
  if (known === 'denied') return { kind: 'refused', code: 'approval_denied' }
  const sameKey = intent.key !== undefined && approval?.key === intent.key
  if (known === 'expired' && sameKey) return { kind: 'refused', code: 'approval_expired' }
  if (!mayAskApproval(state.recentApprovals ?? [], now)) return { kind: 'flooded' }
  return { kind: 'waiting', approval: createApproval(state, intent, reason, now), isNew: true }
}

/**
 * Approves as the end user; a second time changes nothing. Throws `approval_expired`, `approval_denied`
 * or `approval_unknown`, and the code of an account that has ended.
 */
export function grantApproval(loaded: LedgerState, endUser: string, now: number): Change<Approval> {
  const approval = requireOwnApproval(loaded, endUser)
  if (approval.state === 'approved' || approval.state === 'used') return keepApproval(approval)
  const ended = findAccountEnd(payingState(loaded), now)
  if (ended) throw new BursarError(ended.code, `approve: ${ended.detail}.`)
  return recordDecision(approval, 'approved', undefined, now)
}

/** Denies as the end user, until the session ends. Throws `approval_unknown` or `approval_expired`. */
export function denyApproval(
  state: LedgerState,
  endUser: string,
  reason: string | undefined,
  now: number,
): Change<Approval> {
  const approval = requireOwnApproval(state, endUser)
  if (approval.state === 'denied') return keepApproval(approval)
  return recordDecision(approval, 'denied', reason, now)
}

function recordDecision(
  approval: Approval,
  to: 'approved' | 'denied',
  reason: string | undefined,
  now: number,
): Change<Approval> {
  const known = approvalStanding(approval, now)
  // An approval may be withdrawn as long as no payment has used it.
  const open = known === 'waiting' || (known === 'approved' && to === 'denied')
  if (!open) {
    throw new BursarError(`approval_${known}`, `The approval ${approval.id} is ${known} already.`)
  }
  const next: Approval = { ...approval, state: to, decidedAt: now }
  const { id, session, delegation, endUser, termsHash } = approval
  return {
    result: next,
    approvals: [next],
    events: [
      {
        type: to === 'approved' ? 'approval-granted' : 'approval-denied',
        approval: id,
        session,
        delegation,
        endUser,
        termsHash,
        ...(reason === undefined ? {} : { reason }),
      },
    ],
  }
}

function createApproval(state: PayingState, intent: Intent, reason: string, now: number): Approval {
  const { session, delegation } = state
  return {
    id: intent.approvalId,
    session: session.id,
    root: rootAccountOf(state),
    delegation: delegation.id,
    endUser: delegation.endUser,
    state: 'waiting',
    termsHash: intent.termsHash,
    ...(intent.key === undefined ? {} : { key: intent.key }),
    card: approvalCard(intent.terms, intent, delegation.agent),
    reason,
    createdAt: now,
    expiresAt: Math.min(
      now + APPROVAL_LIFE_MS,
      ...[session, ...state.ancestors, delegation].map((one) => one.expiresAt),
    ),
  }
}

/** Returns the end user's own approval. Throws `approval_unknown` also for another's, which hides its id. */
function requireOwnApproval(state: LedgerState, endUser: string): Approval {
  if (state.approval?.endUser === endUser) return state.approval
  throw new BursarError('approval_unknown', 'There is no such approval of this end user.')
}

function keepApproval(approval: Approval): Change<Approval> {
  return { result: approval, events: [] }
}

/** Returns the refusal of too many questions, or of terms that a human has denied. */
export function denyApprovalQuestion(
  asked: Exclude<ApprovalQuestion, { readonly kind: 'waiting' }>,
): ReturnType<typeof deny> {
  return asked.kind === 'refused'
    ? deny(asked.code)
    : deny('request_rate_exceeded', { cause: 'too many approvals are asked for' })
}
