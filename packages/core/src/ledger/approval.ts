import { z } from 'zod'
import { formatAmount } from '../money/amount.ts'
import { amountField } from '../money/amount-field.ts'
import type { Terms } from './payment.ts'

/** When a permission or a session asks a human, besides what it leaves open. */
export interface AskRule {
  /** Decimal string in the limits' currency: payments above it ask. */
  readonly above?: string
  /** The first payment to each merchant asks. */
  readonly firstPayment?: true
  /** Every payment asks. */
  readonly always?: true
}

/** How the rule is written. */
export interface AskInput {
  readonly above?: string | undefined
  readonly firstPayment?: true | undefined
  readonly always?: true | undefined
}

export const askInput: z.ZodType<AskRule, AskInput> = z
  .strictObject({
    above: amountField.optional(),
    firstPayment: z.literal(true).optional(),
    always: z.literal(true).optional(),
  })
  .transform(({ above, firstPayment, always }) => ({
    ...(above === undefined ? {} : { above: formatAmount(above) }),
    ...(firstPayment ? { firstPayment } : {}),
    ...(always ? { always } : {}),
  }))

/** What was recorded about an approval. `waiting` and `approved` end with its time. */
export type ApprovalState = 'waiting' | 'approved' | 'denied' | 'used'

/** A human's yes, or no, to exact terms in one session. A yes is used once. */
export interface Approval {
  readonly id: string
  readonly session: string
  /** The session that `session` is below, at the top; itself where it has no parent. */
  readonly root: string
  readonly delegation: string
  readonly endUser: string
  readonly state: ApprovalState
  /** What is said yes to, and nothing else. */
  readonly termsHash: string
  /** The key of the call that asked, if it has one. */
  readonly key?: string
  readonly card: ApprovalCard
  /** Why it asks; for the operator. */
  readonly reason: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly decidedAt?: number
  /** The payment that used it. */
  readonly payment?: string
}

/** What a human is shown: structured fields that the guard made, and the agent's words as such. */
export interface ApprovalCard {
  /** Decimal string. */
  readonly amount: string
  readonly currency: string
  /** Host that the guard dialled, punycode. */
  readonly merchant: string
  readonly payee: string
  readonly network: string
  /** Method and path of the resource, ASCII, cut to a bound. */
  readonly resource: string
  readonly agent: string
  /** The agent's own words about its purpose, on one line. Nobody has checked them. */
  readonly agentSays: string
  /**
   * The host that the seller's own challenge names, in punycode, if it is another one than `merchant`.
   * Nobody has checked it: show it below the merchant as "the seller says: …".
   */
  readonly sellerSays?: string | undefined
}

/** How long a human has to answer, unless the session or the delegation ends sooner. */
export const APPROVAL_LIFE_MS = 900_000

/** Approvals of a session and all below it that may wait at the same time: more is a flood, not a question. */
const MAX_WAITING_APPROVALS = 10

/**
 * Approvals that a session and all below it may ask for in an hour, so that nobody is worn down into a yes; and so
 * the newest ones that a decision has to look at.
 */
export const MAX_RECENT_APPROVALS = 30

const HOUR_MS = 3_600_000

/** Longest resource that a card shows. */
const MAX_RESOURCE_LENGTH = 160

/** Where an approval stands at a time: its own end counts like an answer. */
export function approvalStanding(approval: Approval, now: number): ApprovalState | 'expired' {
  const open = approval.state === 'waiting' || approval.state === 'approved'
  return open && now >= approval.expiresAt ? 'expired' : approval.state
}

/** Whether a session may ask for one more, by the newest approvals of its root. */
export function mayAsk(recent: readonly Approval[], now: number): boolean {
  const waiting = recent.filter((one) => approvalStanding(one, now) === 'waiting')
  const lately = recent.filter((one) => now - one.createdAt < HOUR_MS)
  return waiting.length < MAX_WAITING_APPROVALS && lately.length < MAX_RECENT_APPROVALS
}

/** Why the rules of an account ask about terms. */
export function asks(
  rule: AskRule | undefined,
  aboveMicro: (text: string) => bigint | undefined,
  terms: Terms,
  knownMerchant: boolean,
): string | undefined {
  if (!rule) return undefined
  if (rule.always) return 'every payment asks'
  if (rule.firstPayment && !knownMerchant) return `first payment to ${terms.host}`
  const above = rule.above === undefined ? undefined : aboveMicro(rule.above)
  return above !== undefined && terms.amountMicro > above
    ? `above ${formatAmount(above)} ${terms.currency}`
    : undefined
}

/** The card of some terms. */
export function cardOf(
  terms: Terms,
  request: {
    readonly method: string
    readonly path: string
    readonly purpose: string
    readonly claimedHost?: string | undefined
  },
  agent: string,
): ApprovalCard {
  const resource = `${request.method} ${request.path}`.replace(/[^\x20-\x7e]/g, '?')
  return {
    amount: formatAmount(terms.amountMicro),
    currency: terms.currency,
    merchant: terms.host,
    payee: terms.payee,
    network: terms.network,
    resource: resource.slice(0, MAX_RESOURCE_LENGTH),
    agent,
    agentSays: request.purpose,
    ...(request.claimedHost === undefined ? {} : { sellerSays: request.claimedHost }),
  }
}
