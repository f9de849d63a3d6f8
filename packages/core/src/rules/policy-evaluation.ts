import type { AuditEvent } from '../ledger/audit-event.ts'
import type { PayingState } from '../ledger/paying-state.ts'
import { evaluatePolicies, type Judgement, type PolicyInput } from '../ports/policy.ts'
import type { Intent } from './reservation.ts'

/** Evaluates the operator's policies on an intent, with the figures of the reserving commit. */
export function evaluateIntentByPolicies(
  state: PayingState,
  intent: Intent,
  figures: Pick<PolicyInput, 'at' | 'remainingMicro' | 'knownMerchant'>,
): Judgement {
  const { session, delegation } = state
  return evaluatePolicies(intent.policies, {
    terms: intent.terms,
    agent: delegation.agent,
    endUser: delegation.endUser,
    instrument: delegation.instrument,
    delegation: delegation.id,
    session: session.id,
    method: intent.method,
    path: intent.path,
    purpose: intent.purpose,
    claimedHost: intent.claimedHost,
    payments: session.usage.payments,
    expiresAt: session.expiresAt,
    ...figures,
  })
}

/** Returns the records of what shadow policies would have decided. */
export function policyObservationEvents(
  state: PayingState,
  intent: Intent,
  { observations }: Judgement,
): readonly AuditEvent[] {
  const { session, delegation } = state
  const { requestHash, host } = intent.terms
  return observations.map((observation) => ({
    type: 'policy-observed',
    session: session.id,
    delegation: delegation.id,
    requestHash,
    host,
    ...observation,
  }))
}
