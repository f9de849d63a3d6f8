import type { Terms } from '../ledger/payment.ts'
import { thrownErrorText } from '../primitives/errors.ts'

/** The exact terms of a payment, the payer, and the session's figures in the reserving commit. */
export interface PolicyInput {
  readonly terms: Terms
  readonly agent: string
  readonly endUser: string
  readonly instrument: string
  readonly delegation: string
  readonly session: string
  /** The HTTP method of the request. */
  readonly method: string
  /** The path of the resource, without its query. */
  readonly path: string
  /** The agent's own words about its purpose. Unchecked. */
  readonly purpose: string
  /** The host that the challenge names, in punycode. Unchecked. It is absent if it equals `terms.host`. */
  readonly claimedHost?: string | undefined
  /** The time of the commit by the ledger's clock, in milliseconds since the epoch. */
  readonly at: number
  /** The session's total without what was spent and is held, before this payment. */
  readonly remainingMicro: bigint
  /** The number of earlier payments of the session that were not released. */
  readonly payments: number
  /** The end of the session, in milliseconds since the epoch. */
  readonly expiresAt: number
  /** Whether the delegation has paid this merchant before. */
  readonly knownMerchant: boolean
}

/** The decision of one policy or of all: any deny wins, then any ask. Only the operator sees a reason. */
export type PolicyDecision =
  | { readonly effect: 'allow'; readonly observed?: Observation }
  | { readonly effect: 'deny'; readonly reason: string }
  | { readonly effect: 'ask'; readonly reason: string }

/** The decision of a policy that is observed with `shadow` and not enforced. */
export interface Observation {
  readonly policy: string
  readonly effect: 'allow' | 'deny' | 'ask'
  readonly reason?: string
}

/**
 * A rule of the operator about payments. Pass policies to `createBursar`.
 *
 * `evaluate` runs inside the reserving commit, sometimes more than once. If you implement it, keep it
 * synchronous and pure, without a clock or I/O. An error and an unknown answer deny the payment.
 */
export interface Policy {
  /**
   * The name that is recorded with each reservation. If the rules can change under one name, add their
   * version, as in `cedar@9f86…`, so that the record shows the rules that were applied.
   */
  readonly name: string
  /** Decides about one payment. */
  evaluate(input: PolicyInput): PolicyDecision
}

/** The decision of all policies together, and the decisions of the observed ones. */
export interface Judgement {
  readonly decision: PolicyDecision
  readonly observations: readonly Observation[]
}

const allow: PolicyDecision = { effect: 'allow' }

/** Runs every policy and joins their decisions. An error or an unknown answer denies. */
export function evaluatePolicies(policies: readonly Policy[], input: PolicyInput): Judgement {
  const decisions = policies.map((policy) => evaluatePolicyClosed(policy, input))
  const denied = decisions.find(({ effect }) => effect === 'deny')
  const asked = decisions.find(({ effect }) => effect === 'ask')
  return {
    decision: denied ?? asked ?? allow,
    observations: decisions.flatMap((decision) =>
      decision.effect === 'allow' && decision.observed ? [decision.observed] : [],
    ),
  }
}

/** Runs one policy, and puts its name before its reason. An error or an unknown answer denies. */
export function evaluatePolicyClosed(policy: Policy, input: PolicyInput): PolicyDecision {
  try {
    const decision = policy.evaluate(input)
    if (decision.effect === 'allow') return decision
    if (decision.effect === 'deny' || decision.effect === 'ask') {
      return { effect: decision.effect, reason: `policy ${policy.name}: ${decision.reason}` }
    }
    return { effect: 'deny', reason: `policy ${policy.name} gave no decision` }
  } catch (cause) {
    return { effect: 'deny', reason: `policy ${policy.name} failed: ${thrownErrorText(cause)}` }
  }
}
