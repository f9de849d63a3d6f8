import {
  type Approval,
  type LedgerState,
  MAX_RECENT_APPROVALS,
  type Scope,
  type Session,
} from '@bursar/core'
import { assertSameApproval } from '../tables/approval-table.ts'
import { wantTerms } from './load-plan.ts'
import { pairId, pairOf } from './pair-id.ts'
import { type Entries, entries } from './row-cache.ts'

/** Which approval is the latest one for some terms. */
export interface Answer {
  readonly session: string
  readonly termsHash: string
  readonly approval: string
}

/** Which approvals of a root and all below it are the newest ones, newest first. */
export interface Recent {
  readonly root: string
  readonly approvals: readonly string[]
}

/** The rows of approvals. */
export interface ApprovalRows {
  readonly approvals: Entries<Approval>
  /** The latest approval for some terms in a session. */
  readonly answers: Entries<Answer>
  /** The newest approvals of a root and all below it. */
  readonly recent: Entries<Recent>
}

export function approvalRows(): ApprovalRows {
  return {
    approvals: entries<Approval>({
      noun: 'approval',
      id: ({ id }) => id,
      want: ({ approvals }, id) => approvals.add(id),
    }),
    answers: entries<Answer>({
      noun: 'terms',
      id: ({ session, termsHash }) => pairId(session, termsHash),
      want(wanted, id) {
        const [session, termsHash] = pairOf(id)
        wanted.accounts.add(session)
        wantTerms(wanted, { session, termsHash })
      },
    }),
    recent: entries<Recent>({
      noun: 'session',
      id: ({ root }) => root,
      want(wanted, root) {
        wanted.accounts.add(root)
        wantTerms(wanted, { session: root, termsHash: '' })
      },
    }),
  }
}

/** The approval that a scope is about, and the newest ones of its root. */
export function approvalsOf(
  rows: ApprovalRows,
  { termsHash }: Scope,
  asked: Approval | undefined,
  session: Session | undefined,
  ancestors: readonly Session[],
): Pick<LedgerState, 'approval' | 'recentApprovals'> {
  if (!session || termsHash === undefined) return asked ? { approval: asked } : {}
  const latest = rows.answers.find(pairId(session.id, termsHash))?.value.approval
  const approval = asked ?? (latest === undefined ? undefined : rows.approvals.need(latest).value)
  const { id: root } = ancestors.at(-1) ?? session
  const recent = rows.recent.find(root)?.value.approvals ?? []
  return {
    ...(approval && { approval }),
    recentApprovals: recent.map((id) => rows.approvals.need(id).value),
  }
}

export function putApproval(
  { sessions, approvals, answers, recent }: ApprovalRows & { readonly sessions: Entries<Session> },
  approval: Approval,
): void {
  const { id, session, root, termsHash } = approval
  sessions.need(session)
  const isNewest = !approvals.has(id)
  assertSameApproval(approvals.put(approval, false))
  if (!isNewest) return
  answers.put({ session, termsHash, approval: id }, false)
  // What is not loaded here has it when it is.
  if (!recent.has(root)) return
  const newest = [id, ...(recent.find(root)?.value.approvals ?? [])]
  recent.put({ root, approvals: newest.slice(0, MAX_RECENT_APPROVALS) }, false)
}
