import { z } from 'zod'
import { formatAmount } from '../money/amount.ts'
import { amountField } from '../money/amount-field.ts'
import type { Terms } from './payment.ts'

/** The payments for which a delegation or a session asks a human, besides those to new merchants. */
export interface AskRule {
  /** Asks the end user to approve payments above this decimal string, in the currency of the limits. */
  readonly above?: string
  /** Asks the end user to approve the first payment to each merchant. */
  readonly firstPayment?: true
  /** Asks the end user to approve every payment. */
  readonly always?: true
}

/** An `AskRule` as you write it. */
export interface AskInput {
  /** Asks the end user to approve payments above this decimal string, in the currency of the limits. */
  readonly above?: string | undefined
  /** Asks the end user to approve the first payment to each merchant. */
  readonly firstPayment?: true | undefined
  /** Asks the end user to approve every payment. */
  readonly always?: true | undefined
}

/** Parses `AskInput`. */
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

/** The recorded state of an approval. `waiting` and `approved` end at `expiresAt`. */
export type ApprovalState = 'waiting' | 'approved' | 'denied' | 'used'

/** A request for a human's yes to exact terms in one session, and the answer. A yes is used once. */
export interface Approval {
  readonly id: string
  readonly session: string
  /** The topmost session above `session`, or `session` itself if it has no parent. */
  readonly root: string
  readonly delegation: string
  readonly endUser: string
  readonly state: ApprovalState
  /** The hash of the terms that the approval covers. */
  readonly termsHash: string
  /** The idempotency key of the call that asked, if it has one. */
  readonly key?: string
  readonly card: ApprovalCard
  /** The rule that asks, for the operator. */
  readonly reason: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly decidedAt?: number
  /** The payment that used the approval. */
  readonly payment?: string
}

/** The facts that a human is shown. The guard makes every field but `agentSays`. */
export interface ApprovalCard {
  /** The price as a decimal string in `currency`. */
  readonly amount: string
  readonly currency: string
  /** The host that the guard dialled, in punycode. */
  readonly merchant: string
  readonly payee: string
  readonly network: string
  /** The method and path of the resource: ASCII, at most 160 characters. */
  readonly resource: string
  readonly agent: string
  /** The agent's own words about its purpose, on one line. Unchecked. */
  readonly agentSays: string
  /**
   * The host that the seller's own challenge names, in punycode, if it is another one than `merchant`.
   * Nobody has checked it: show it below the merchant as "the seller says: …".
   */
  readonly sellerSays?: string | undefined
}

/** The time in milliseconds that a human has to answer, if session and delegation do not end sooner. */
export const APPROVAL_LIFE_MS = 900_000

/** The most approvals that may wait in a session and all sessions below it, so that no human is flooded. */
const MAX_WAITING_APPROVALS = 10

/**
 * The most approvals that a session and all sessions below it may request in an hour, so that repeated
 * questions do not wear a human down. A store loads this many of the newest ones.
 */
export const MAX_RECENT_APPROVALS = 30

const HOUR_MS = 3_600_000

/** The longest resource that a card shows. */
const MAX_RESOURCE_LENGTH = 160

/** Returns the state of an approval at a time: `expired` if it was still open at its end. */
export function approvalStanding(approval: Approval, now: number): ApprovalState | 'expired' {
  const open = approval.state === 'waiting' || approval.state === 'approved'
  return open && now >= approval.expiresAt ? 'expired' : approval.state
}

/** Checks whether a session may request one more approval, given the newest ones of its topmost session. */
export function mayAskApproval(recent: readonly Approval[], now: number): boolean {
  const waiting = recent.filter((approval) => approvalStanding(approval, now) === 'waiting')
  const ofLastHour = recent.filter(({ createdAt }) => now - createdAt < HOUR_MS)
  return waiting.length < MAX_WAITING_APPROVALS && ofLastHour.length < MAX_RECENT_APPROVALS
}

/** Returns the reason why a rule asks about the terms, or undefined if it does not ask. */
export function asksForApproval(
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

/** Makes the card that a human is shown for the terms. */
export function approvalCard(
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
