import { rootOf } from '../ledger/accounts.ts'
import {
  APPROVAL_LIFE_MS,
  type Approval,
  approvalStanding,
  cardOf,
  mayAsk,
} from '../ledger/approval.ts'
import { deny } from '../ledger/denial.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { type PayingState, payingState } from '../ledger/paying-state.ts'
import { BursarError } from '../primitives/errors.ts'
import { standing } from './account-end.ts'
import type { Intent } from './reservation.ts'

/** What asking a human comes to: an approval that waits, or a refusal for this key. */
export type Asked =
  | { readonly kind: 'waiting'; readonly approval: Approval; readonly isNew: boolean }
  | { readonly kind: 'refused'; readonly code: 'approval_denied' | 'approval_expired' }
  | { readonly kind: 'flooded' }

/** Whether a human has said yes to exactly these terms, in this session, and the yes is unused. */
export function isApproved(state: PayingState, now: number): boolean {
  return state.approval !== undefined && approvalStanding(state.approval, now) === 'approved'
}

/** The same terms while waiting are the same approval; a no, or silence, stands for its key. */
export function ask(state: PayingState, intent: Intent, reason: string, now: number): Asked {
  const { approval } = state
  const known = approval && approvalStanding(approval, now)
  if (approval && known === 'waiting') return { kind: 'waiting', approval, isNew: false }
  if (known === 'denied') return { kind: 'refused', code: 'approval_denied' }
  const sameKey = intent.key !== undefined && approval?.key === intent.key
  if (known === 'expired' && sameKey) return { kind: 'refused', code: 'approval_expired' }
  if (!mayAsk(state.recentApprovals ?? [], now)) return { kind: 'flooded' }
  return { kind: 'waiting', approval: newApproval(state, intent, reason, now), isNew: true }
}

/** The human's yes. Twice is once; after the approval's end, or its session's, it is refused. */
export function approve(loaded: LedgerState, endUser: string, now: number): Change<Approval> {
  const approval = ownApproval(loaded, endUser)
  if (approval.state === 'approved' || approval.state === 'used') return unchanged(approval)
  const ended = standing(payingState(loaded), now)
  if (ended) throw new BursarError(ended.code, `approve: ${ended.detail}.`)
  return decided(approval, 'approved', undefined, now)
}

/** The human's no. It stands until the session ends. */
export function refuse(
  state: LedgerState,
  endUser: string,
  reason: string | undefined,
  now: number,
): Change<Approval> {
  const approval = ownApproval(state, endUser)
  if (approval.state === 'denied') return unchanged(approval)
  return decided(approval, 'denied', reason, now)
}

function decided(
  approval: Approval,
  to: 'approved' | 'denied',
  reason: string | undefined,
  now: number,
): Change<Approval> {
  const known = approvalStanding(approval, now)
  // A yes may be taken back as long as nothing was paid with it.
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

function newApproval(state: PayingState, intent: Intent, reason: string, now: number): Approval {
  const { session, delegation } = state
  return {
    id: intent.approvalId,
    session: session.id,
    root: rootOf(state),
    delegation: delegation.id,
    endUser: delegation.endUser,
    state: 'waiting',
    termsHash: intent.termsHash,
    ...(intent.key === undefined ? {} : { key: intent.key }),
    card: cardOf(intent.terms, intent, delegation.agent),
    reason,
    createdAt: now,
    expiresAt: Math.min(
      now + APPROVAL_LIFE_MS,
      ...[session, ...state.ancestors, delegation].map((one) => one.expiresAt),
    ),
  }
}

/** Another's approval is answered like one that does not exist: nobody learns others' ids. */
function ownApproval(state: LedgerState, endUser: string): Approval {
  if (state.approval?.endUser === endUser) return state.approval
  throw new BursarError('approval_unknown', 'There is no such approval of this end user.')
}

function unchanged(approval: Approval): Change<Approval> {
  return { result: approval, events: [] }
}

/** The refusal of a flood of questions, or of terms that a human has said no to. */
export function askedDenial(
  asked: Exclude<Asked, { readonly kind: 'waiting' }>,
): ReturnType<typeof deny> {
  return asked.kind === 'refused'
    ? deny(asked.code)
    : deny('request_rate_exceeded', { cause: 'too many approvals are asked for' })
}
