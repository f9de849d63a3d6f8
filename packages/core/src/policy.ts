import { BursarError, thrownText } from './errors.ts'
import { formatAmount, parseAmount } from './money.ts'
import type { Terms } from './payment.ts'

/** What a policy decides about: the exact terms, who pays, and the figures as of the commit. */
export interface PolicyInput {
  readonly terms: Terms
  readonly agent: string
  readonly endUser: string
  readonly instrument: string
  readonly delegation: string
  readonly session: string
  /** Path of the resource, without its query. */
  readonly path: string
  /** The agent's words. */
  readonly purpose: string
  /** Milliseconds since the epoch, by the ledger's clock. */
  readonly at: number
  /** What is left of the session before this payment. */
  readonly remainingMicro: bigint
  /** False for the first payment to this merchant in the delegation. */
  readonly knownMerchant: boolean
}

/** Any deny wins, then any ask; a reason is for the operator only. */
export type PolicyDecision =
  | { readonly effect: 'allow' }
  | { readonly effect: 'deny'; readonly reason: string }
  | { readonly effect: 'ask'; readonly reason: string }

/**
 * A rule of the operator. `evaluate` runs inside the reserving commit, possibly more than once:
 * it is synchronous and pure, with no clock and no I/O of its own. What it throws is a deny.
 */
export interface Policy {
  /** Recorded with each reservation. */
  readonly name: string
  evaluate(input: PolicyInput): PolicyDecision
}

const allow: PolicyDecision = { effect: 'allow' }

/** Runs every policy. Fails closed: an error or an unknown answer is a deny. */
export function evaluatePolicies(policies: readonly Policy[], input: PolicyInput): PolicyDecision {
  let ask: PolicyDecision | undefined
  for (const policy of policies) {
    const decision = evaluateClosed(policy, input)
    if (decision.effect === 'deny') return decision
    if (decision.effect === 'ask') ask ??= decision
  }
  return ask ?? allow
}

function evaluateClosed(policy: Policy, input: PolicyInput): PolicyDecision {
  try {
    const decision = policy.evaluate(input)
    if (decision.effect === 'allow') return allow
    if (decision.effect === 'deny' || decision.effect === 'ask') {
      return { effect: decision.effect, reason: `policy ${policy.name}: ${decision.reason}` }
    }
    return { effect: 'deny', reason: `policy ${policy.name} gave no decision` }
  } catch (cause) {
    return { effect: 'deny', reason: `policy ${policy.name} failed: ${thrownText(cause)}` }
  }
}

/** Allows payments to these hosts only, written as `URL.host` writes them. */
export function allowMerchants(hosts: readonly string[]): Policy {
  const allowed = new Set(hosts)
  return {
    name: 'allow-merchants',
    evaluate: ({ terms }) =>
      allowed.has(terms.host)
        ? allow
        : { effect: 'deny', reason: `host ${terms.host} is not on the list` },
  }
}

/** Allows payments on these networks (CAIP-2) only. */
export function allowNetworks(networks: readonly string[]): Policy {
  const allowed = new Set(networks)
  return {
    name: 'allow-networks',
    evaluate: ({ terms }) =>
      allowed.has(terms.network)
        ? allow
        : { effect: 'deny', reason: `network ${terms.network} is not on the list` },
  }
}

/** Allows payments from one hour of the UTC day until another: `{ from: 8, until: 18 }`. */
export function allowHours(options: { readonly from: number; readonly until: number }): Policy {
  const { from, until } = options
  for (const hour of [from, until]) {
    if (!Number.isInteger(hour) || hour < 0 || hour > 24) {
      throw new BursarError('invalid_input', 'allowHours: from and until are hours from 0 to 24.')
    }
  }
  return {
    name: 'allow-hours',
    evaluate: ({ at }) => {
      const hour = new Date(at).getUTCHours()
      const open = from <= until ? hour >= from && hour < until : hour >= from || hour < until
      return open
        ? allow
        : { effect: 'deny', reason: `hour ${hour} UTC is not from ${from} until ${until}` }
    },
  }
}

/** Asks a human for payments above an amount: `{ currency: 'USD', amount: '1.00' }`. */
export function askAbove(options: { readonly currency: string; readonly amount: string }): Policy {
  const micro = parseAmount(options.amount)
  if (micro === undefined) {
    throw new BursarError('invalid_input', `askAbove: amount: must be a decimal such as '1.00'.`)
  }
  return {
    name: 'ask-above',
    evaluate: ({ terms }) =>
      terms.currency === options.currency && terms.amountMicro <= micro
        ? allow
        : { effect: 'ask', reason: `above ${formatAmount(micro)} ${options.currency}` },
  }
}
