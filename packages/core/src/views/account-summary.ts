import type { AskRule } from '../ledger/approval.ts'
import type { Consent, Delegation, DelegationPermission } from '../ledger/delegation.ts'
import { delegationEnd } from '../ledger/delegation.ts'
import type { EndUserAccount } from '../ledger/end-user-account.ts'
import type { MerchantRule } from '../ledger/merchant.ts'
import type { RecordedLimits } from '../ledger/recorded-limits.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import { formatAmount } from '../money/amount.ts'
import { type Limits, remainingLimitMicro, type Usage } from '../money/limits.ts'

/** The limits of an account and the usage under them. Amounts are decimal strings in the limits' currency. */
export interface Spending {
  /** The limits, with amounts as decimal strings. */
  readonly limits: RecordedLimits
  /** The sum of settled payments. */
  readonly settled: string
  /** The sum held for payments whose outcome is open. */
  readonly held: string
  /** The total minus `settled` and `held`. */
  readonly remaining: string
  /** The number of payments that were not released. */
  readonly payments: number
}

/** A delegation as people and programs outside the guard read it. */
export interface DelegationSummary extends Spending {
  /** The delegation's id. */
  readonly id: string
  /** The end user whose money the agent may spend. */
  readonly endUser: string
  /** The agent's name, as the end user gave it. */
  readonly agent: string
  /** The name by which set-up code finds it again. */
  readonly name?: string
  /** The handle of the wallet that pays. */
  readonly instrument: string
  /** Whether the delegation can be spent from now, and if not, why. */
  readonly state: 'open' | 'revoked' | 'expired'
  /** The merchants that may be paid; absent if every new merchant needs an approval. */
  readonly merchants?: readonly MerchantRule[]
  /** The rule for payments that need an approval, besides those to merchants that are not listed. */
  readonly ask?: AskRule
  /** How the end user agreed. */
  readonly consent: Consent
  /** The permission at the wallet's provider, as the ledger last recorded it. */
  readonly permission?: DelegationPermission
  /** The time of the grant. ISO 8601, UTC. */
  readonly createdAt: string
  /** The time at which the delegation expires. ISO 8601, UTC. */
  readonly expiresAt: string
}

/** Returns the summary of a delegation at a time in milliseconds since the epoch. */
export function summarizeDelegationAccount(delegation: Delegation, now: number): DelegationSummary {
  const end = delegationEnd(delegation, now)
  return {
    id: delegation.id,
    endUser: delegation.endUser,
    agent: delegation.agent,
    ...(delegation.name === undefined ? {} : { name: delegation.name }),
    instrument: delegation.instrument,
    state: end === 'delegation_revoked' ? 'revoked' : end ? 'expired' : 'open',
    ...(delegation.merchants ? { merchants: delegation.merchants } : {}),
    ...(delegation.ask ? { ask: delegation.ask } : {}),
    consent: delegation.consent,
    ...(delegation.permission ? { permission: delegation.permission } : {}),
    createdAt: new Date(delegation.createdAt).toISOString(),
    expiresAt: new Date(delegation.expiresAt).toISOString(),
    ...summarizeAccountSpending(delegation.limits, delegation.usage),
  }
}

/** The limits of an end user over all agents and delegations, and the usage under them. */
export interface EndUserSummary extends Spending {
  /** The end user's name. */
  readonly endUser: string
  /** When limits were first set. ISO 8601, UTC. */
  readonly createdAt: string
}

/** Returns the summary of an end user's account. */
export function summarizeEndUserAccount(account: EndUserAccount): EndUserSummary {
  return {
    endUser: account.endUser,
    createdAt: new Date(account.createdAt).toISOString(),
    ...summarizeAccountSpending(account.limits, account.usage),
  }
}

/** Returns the limits and the usage of an account of any kind as decimal strings. */
export function summarizeAccountSpending(limits: Limits, usage: Usage): Spending {
  return {
    limits: recordedLimits(limits),
    settled: formatAmount(usage.settledMicro),
    held: formatAmount(usage.heldMicro),
    remaining: formatAmount(remainingLimitMicro(limits, usage)),
    payments: usage.payments,
  }
}
