import { z } from 'zod'
import type { Approval, ApprovalCard, ApprovalState } from '../ledger/approval.ts'
import { approvalStanding } from '../ledger/approval.ts'
import { parseRequestCall, requestCallKey } from '../pay/request.ts'
import type { Page, PageRequest, Store } from '../ports/store.ts'
import { nameField, pageInput, parseInputFields, reasonInput } from '../primitives/fields.ts'
import { denyApproval, grantApproval } from '../rules/approval-decision.ts'

/** An approval as the end user's application reads it. */
export interface ApprovalSummary {
  /** The approval's id. */
  readonly id: string
  /** The id of the session that asked. */
  readonly session: string
  /** The id of the delegation that the session draws from. */
  readonly delegation: string
  /** Whether the approval waits for an answer, and if not, how it ended. */
  readonly state: ApprovalState | 'expired'
  /** The exact terms, to be shown to the end user. */
  readonly card: ApprovalCard
  /** The time at which the approval was requested. ISO 8601, UTC. */
  readonly createdAt: string
  /** The time at which the approval expires. ISO 8601, UTC. */
  readonly expiresAt: string
}

/** The part of the end user's facet that lists approvals and answers them. */
export interface Approvals {
  /** Lists the approvals that this end user is asked for, oldest first; with `waiting`, only open ones. */
  approvals(
    filter?: { readonly waiting?: boolean },
    page?: PageRequest,
  ): Promise<Page<ApprovalSummary>>
  /** Returns the last approval that a call asked for. Returns undefined if the call asked for none. */
  approvalOf(call: {
    readonly session: string
    readonly conversation: string
    readonly id: string
  }): Promise<ApprovalSummary | undefined>
  /**
   * Approves exactly the terms on the card, for one payment. A second call changes nothing. Throws
   * `approval_unknown`, `approval_expired`, `approval_denied`, and the code of a session or delegation that
   * has ended.
   */
  approve(approval: string): Promise<ApprovalSummary>
  /** Denies these terms until the session ends. Withdraws an approval that was not used yet. */
  deny(approval: string, options?: { readonly reason?: string }): Promise<ApprovalSummary>
}

const waitingInput = z.strictObject({ waiting: z.boolean().optional() })

/** Creates the part of the end user's facet that answers approvals. No other facet can approve. */
export function createApprovals(
  store: Store,
  ready: () => Promise<void>,
  endUser: string,
): Approvals {
  const summary = (approval: Approval): ApprovalSummary => summarizeApproval(approval, store.now())
  return {
    approvals: async (given = {}, at = {}) => {
      const { waiting = false } = parseInputFields(waitingInput, given, 'approvals')
      const page = parseInputFields(pageInput, at, 'approvals')
      await ready()
      const states = waiting ? (['waiting'] as const) : undefined
      const found = await store.approvals({ endUser, ...(states ? { states } : {}) }, page)
      const rows = found.rows.map(summary)
      return { ...found, rows: waiting ? rows.filter(({ state }) => state === 'waiting') : rows }
    },
    approvalOf: async (call) => {
      const session = parseInputFields(nameField, call?.session, 'approvalOf: session')
      const key = requestCallKey(parseRequestCall(call, 'approvalOf'))
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
      const approval = parseInputFields(nameField, given, 'approve')
      await ready()
      const scope = { approval }
      return summary(
        await store.commit(scope, (state, now) => grantApproval(state, endUser, now), 'now'),
      )
    },
    deny: async (given, options = {}) => {
      const approval = parseInputFields(nameField, given, 'deny')
      const { reason } = parseInputFields(reasonInput, options, 'deny')
      await ready()
      return summary(
        await store.commit(
          { approval },
          (state, now) => denyApproval(state, endUser, reason, now),
          'now',
        ),
      )
    },
  }
}

function summarizeApproval(approval: Approval, now: number): ApprovalSummary {
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
