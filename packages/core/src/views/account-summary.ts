import type { AskRule } from '../ledger/approval.ts'
import type { Consent, Delegation, DelegationPermission } from '../ledger/delegation.ts'
import { delegationEnd } from '../ledger/delegation.ts'
import type { EndUserAccount } from '../ledger/end-user-account.ts'
import type { MerchantRule } from '../ledger/merchant.ts'
import type { RecordedLimits } from '../ledger/recorded-limits.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import { formatAmount } from '../money/amount.ts'
import { type Limits, remainingMicro, type Usage } from '../money/limits.ts'

/** What limits allow and what of it is used. Amounts are decimal strings. */
export interface Spending {
  readonly limits: RecordedLimits
  readonly settled: string
  readonly held: string
  readonly remaining: string
  readonly payments: number
}

/** A delegation as people and programs outside the guard read it. */
export interface DelegationSummary extends Spending {
  readonly id: string
  readonly endUser: string
  readonly agent: string
  readonly instrument: string
  readonly state: 'open' | 'revoked' | 'expired'
  readonly merchants?: readonly MerchantRule[]
  /** When it asks a human, besides what it leaves open. */
  readonly ask?: AskRule
  readonly consent: Consent
  /** The permission at the wallet's provider, as the ledger knows it. */
  readonly permission?: DelegationPermission
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly expiresAt: string
}

export function summaryOfDelegation(delegation: Delegation, now: number): DelegationSummary {
  const end = delegationEnd(delegation, now)
  return {
    id: delegation.id,
    endUser: delegation.endUser,
    agent: delegation.agent,
    instrument: delegation.instrument,
    state: end === 'delegation_revoked' ? 'revoked' : end ? 'expired' : 'open',
    ...(delegation.merchants ? { merchants: delegation.merchants } : {}),
    ...(delegation.ask ? { ask: delegation.ask } : {}),
    consent: delegation.consent,
    ...(delegation.permission ? { permission: delegation.permission } : {}),
    createdAt: new Date(delegation.createdAt).toISOString(),
    expiresAt: new Date(delegation.expiresAt).toISOString(),
    ...spending(delegation.limits, delegation.usage),
  }
}

/** What an end user may spend over all agents, and what of it is used. */
export interface EndUserSummary extends Spending {
  readonly endUser: string
  /** When limits were first set, ISO 8601, UTC. */
  readonly createdAt: string
}

export function summaryOfEndUser(account: EndUserAccount): EndUserSummary {
  return {
    endUser: account.endUser,
    createdAt: new Date(account.createdAt).toISOString(),
    ...spending(account.limits, account.usage),
  }
}

/** What accounts of all kinds say of their spending. */
export function spending(limits: Limits, usage: Usage): Spending {
  return {
    limits: recordedLimits(limits),
    settled: formatAmount(usage.settledMicro),
    held: formatAmount(usage.heldMicro),
    remaining: formatAmount(remainingMicro(limits, usage)),
    payments: usage.payments,
  }
}
