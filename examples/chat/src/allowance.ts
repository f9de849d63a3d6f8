import type {
  ApprovalCard,
  Bursar,
  PaymentSession,
  PaymentSummary,
  SessionStatus,
} from '@bursar/core'

/** The budget and payments shown beside the chat. Amounts are decimal strings in dollars. */
export interface AllowanceState {
  /** Absent until a budget is set. */
  readonly session?: SessionStatus
  /** Above it a payment asks. */
  readonly askAbove?: string
  /** Newest first. */
  readonly payments: readonly PaymentSummary[]
}

/** The person's side: sets a budget, sees, answers, withdraws. The model can do none of it. */
export interface Allowance {
  /** The session that the model pays within now, and the conversation that it is for. */
  current(): PaymentSession | undefined
  /** Grants the agent a new budget. The one before it ends. */
  setBudget(budget: { readonly total: string; readonly askAbove: string }): Promise<void>
  /** Returns the approval that a tool call waits for, or undefined if it waits for none. */
  question(toolCall: string): Promise<ApprovalCard | undefined>
  /** The person's own yes or no to exactly those terms. Answers whether it was a yes that counts. */
  answer(toolCall: string, approved: boolean): Promise<boolean>
  revoke(): Promise<void>
  state(): Promise<AllowanceState>
  /** Calls back whenever the ledger has changed, until it is told to stop. */
  watch(changed: () => void): () => void
}

/** More payments than a person looks at. */
const MAX_SHOWN = 100

/**
 * One person, whom your login would name. Everything here is on the server: the browser never gets
 * the session's token, and its word about an approval counts for nothing.
 */
export function createAllowance(bursar: Bursar, merchant: string): Allowance {
  const alice = bursar.endUser('alice')
  let granted: { delegation: string; session: PaymentSession; askAbove: string } | undefined
  const watching = new Set<() => void>()
  const approvalOf = async (toolCall: string) => {
    if (!granted) return undefined
    const { id: session } = granted.session
    return alice.approvalOf({ session, conversation: session, id: toolCall })
  }
  const revoke = async () => {
    if (!granted) return
    await alice.revokeDelegation(granted.delegation, { reason: 'withdrawn in the chat' })
    await granted.session.close()
  }
  return {
    current: () => granted?.session,
    setBudget: async ({ total, askAbove }) => {
      await revoke()
      const limits = { currency: 'USD', total }
      const { id: delegation } = await alice.grantDelegation({
        agent: 'assistant',
        instrument: 'alice-wallet',
        expiresIn: '1d',
        merchants: [{ host: merchant }],
        ask: { above: askAbove },
        consent: { how: 'budget form of the chat' },
        limits,
      })
      const { token } = await bursar.management.createSession({
        delegation,
        expiresIn: '8h',
        limits,
      })
      granted = { delegation, session: bursar.openSession(token), askAbove }
      for (const changed of watching) changed()
    },
    question: async (toolCall) => {
      const approval = await approvalOf(toolCall)
      return approval?.state === 'waiting' ? approval.card : undefined
    },
    answer: async (toolCall, approved) => {
      const approval = await approvalOf(toolCall)
      if (approval?.state !== 'waiting') return false
      await (approved ? alice.approve(approval.id) : alice.deny(approval.id))
      return approved
    },
    revoke,
    state: async () => {
      if (!granted) return { payments: [] }
      const { session, delegation, askAbove } = granted
      const { rows } = await bursar.auditing.payments({ delegation }, { limit: MAX_SHOWN })
      const status = await session.status()
      return { session: status, askAbove, payments: rows.toReversed() }
    },
    watch: (changed) => {
      watching.add(changed)
      const stop = bursar.auditing.subscribe(() => changed())
      return () => {
        watching.delete(changed)
        stop()
      }
    },
  }
}
