import type { Terms } from '../ledger/payment.ts'
import { thrownText } from '../primitives/errors.ts'

/** What a policy decides about: the exact terms, who pays, and the figures as of the commit. */
export interface PolicyInput {
  readonly terms: Terms
  readonly agent: string
  readonly endUser: string
  readonly instrument: string
  readonly delegation: string
  readonly session: string
  /** HTTP method of the request. */
  readonly method: string
  /** Path of the resource, without its query. */
  readonly path: string
  /** The agent's words. */
  readonly purpose: string
  /**
   * The host that the challenge itself names, in punycode, if it is another one than `terms.host`, the
   * host that the guard dialled. Nobody has checked it. Absent if both are the same.
   */
  readonly claimedHost?: string | undefined
  /** Milliseconds since the epoch, by the ledger's clock. */
  readonly at: number
  /** What is left of the session before this payment. */
  readonly remainingMicro: bigint
  /** Payments of the session that were reserved and not released, before this one. */
  readonly payments: number
  /** When the session ends, milliseconds since the epoch. */
  readonly expiresAt: number
  /** False for the first payment to this merchant in the delegation. */
  readonly knownMerchant: boolean
}

/** Any deny wins, then any ask; a reason is for the operator only. */
export type PolicyDecision =
  | { readonly effect: 'allow'; readonly observed?: Observation }
  | { readonly effect: 'deny'; readonly reason: string }
  | { readonly effect: 'ask'; readonly reason: string }

/** What a policy would have decided, had it been enforced. */
export interface Observation {
  readonly policy: string
  readonly effect: 'allow' | 'deny' | 'ask'
  readonly reason?: string
}

/**
 * A rule of the operator. `evaluate` runs inside the reserving commit, possibly more than once:
 * it is synchronous and pure, with no clock and no I/O of its own. What it throws is a deny.
 */
export interface Policy {
  /**
   * Recorded with each reservation. Where rules can change under one name, it names their version,
   * such as `cedar@9f86…`: the record then says by which rules a payment was judged.
   */
  readonly name: string
  evaluate(input: PolicyInput): PolicyDecision
}

/** What all policies say together, and what those that are only observed would have said. */
export interface Judgement {
  readonly decision: PolicyDecision
  readonly observations: readonly Observation[]
}

const allow: PolicyDecision = { effect: 'allow' }

/** Runs every policy. Fails closed: an error or an unknown answer is a deny. */
export function evaluatePolicies(policies: readonly Policy[], input: PolicyInput): Judgement {
  const decisions = policies.map((policy) => evaluateClosed(policy, input))
  const denied = decisions.find(({ effect }) => effect === 'deny')
  const asked = decisions.find(({ effect }) => effect === 'ask')
  return {
    decision: denied ?? asked ?? allow,
    observations: decisions.flatMap((decision) =>
      decision.effect === 'allow' && decision.observed ? [decision.observed] : [],
    ),
  }
}

/** What one policy says, with its name before its reason. */
export function evaluateClosed(policy: Policy, input: PolicyInput): PolicyDecision {
  try {
    const decision = policy.evaluate(input)
    if (decision.effect === 'allow') return decision
    if (decision.effect === 'deny' || decision.effect === 'ask') {
      return { effect: decision.effect, reason: `policy ${policy.name}: ${decision.reason}` }
    }
    return { effect: 'deny', reason: `policy ${policy.name} gave no decision` }
  } catch (cause) {
    return { effect: 'deny', reason: `policy ${policy.name} failed: ${thrownText(cause)}` }
  }
}
