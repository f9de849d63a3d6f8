import { z } from 'zod'
import type { Approval, ApprovalCard, ApprovalState } from '../ledger/approval.ts'
import { approvalStanding } from '../ledger/approval.ts'
import { callKey, parseCall } from '../pay/request.ts'
import type { Page, PageRequest, Store } from '../ports/store.ts'
import { nameField, pageInput, parseInput, reasonInput } from '../primitives/fields.ts'
import { approve, refuse } from '../rules/approval-decision.ts'

/** An approval as the end user's application reads it. */
export interface ApprovalSummary {
  readonly id: string
  readonly session: string
  readonly delegation: string
  readonly state: ApprovalState | 'expired'
  readonly card: ApprovalCard
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly expiresAt: string
}

/** The end user's side of approvals: what they are asked, and their answers. */
export interface Approvals {
  /** What this end user is asked, oldest first. `waiting` alone if that is what is wanted. */
  approvals(
    filter?: { readonly waiting?: boolean },
    page?: PageRequest,
  ): Promise<Page<ApprovalSummary>>
  /** The approval that a call asked for, by its key; `undefined` if it asked for none. */
  approvalOf(call: {
    readonly session: string
    readonly conversation: string
    readonly id: string
  }): Promise<ApprovalSummary | undefined>
  /**
   * Says yes to exactly the terms on the card, once. Twice is once. Throws `approval_unknown`,
   * `approval_expired`, `approval_denied`, and the code of a session or permission that has ended.
   */
  approve(approval: string): Promise<ApprovalSummary>
  /** Says no, for as long as the session lives. A yes that was not used yet is taken back. */
  deny(approval: string, options?: { readonly reason?: string }): Promise<ApprovalSummary>
}

const waitingInput = z.strictObject({ waiting: z.boolean().optional() })

/** The end user's side of approvals: the only one that can say yes. */
export function createApprovals(
  store: Store,
  ready: () => Promise<void>,
  endUser: string,
): Approvals {
  const summary = (approval: Approval): ApprovalSummary => summaryOf(approval, store.now())
  return {
    approvals: async (given = {}, at = {}) => {
      const { waiting = false } = parseInput(waitingInput, given, 'approvals')
      const page = parseInput(pageInput, at, 'approvals')
      await ready()
      const states = waiting ? (['waiting'] as const) : undefined
      const found = await store.approvals({ endUser, ...(states ? { states } : {}) }, page)
      const rows = found.rows.map(summary)
      return { ...found, rows: waiting ? rows.filter(({ state }) => state === 'waiting') : rows }
    },
    approvalOf: async (call) => {
      const session = parseInput(nameField, call?.session, 'approvalOf: session')
      const key = callKey(parseCall(call, 'approvalOf'))
      if (key === undefined) return undefined
      await ready()
      let last: Approval | undefined
      let after: string | undefined
      do {
        const page = await store.approvals({ endUser, session, key }, { after })
        last = page.rows.at(-1) ?? last
        after = page.cursor
      } while (after !== undefined)
      return last && summary(last)
    },
    approve: async (given) => {
      const approval = parseInput(nameField, given, 'approve')
      await ready()
      const scope = { approval }
      return summary(await store.commit(scope, (state, now) => approve(state, endUser, now), 'now'))
    },
    deny: async (given, options = {}) => {
      const approval = parseInput(nameField, given, 'deny')
      const { reason } = parseInput(reasonInput, options, 'deny')
      await ready()
      return summary(
        await store.commit(
          { approval },
          (state, now) => refuse(state, endUser, reason, now),
          'now',
        ),
      )
    },
  }
}

function summaryOf(approval: Approval, now: number): ApprovalSummary {
  const { id, session, delegation, card, createdAt, expiresAt } = approval
  return {
    id,
    session,
    delegation,
    state: approvalStanding(approval, now),
    card,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  }
}
