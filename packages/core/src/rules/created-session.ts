import { type Delegation, delegationEnd } from '../ledger/delegation.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { DEFAULT_REPEAT_AFTER_MS, type ParsedSession, type Session } from '../ledger/session.ts'
import { findWiderLimit } from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import { newSession } from './new-session.ts'

/**
 * Creates a session within the delegation of a state, for a manager. Throws `delegation_unknown`,
 * `delegation_revoked`, `delegation_expired`, `permission_unavailable`, and `invalid_input` if the
 * session would be wider than its delegation.
 */
export function createSession(
  state: LedgerState,
  identity: { readonly id: string; readonly tokenHash: string },
  input: ParsedSession,
  now: number,
): Change<Session> {
  const delegation = liveDelegationOfSession(state, input.delegation, now)
  const expiresAt = input.expiresIn === undefined ? delegation.expiresAt : now + input.expiresIn
  assertSessionWithinDelegation(delegation, input, expiresAt)
  return newSession(delegation, {
    ...identity,
    ...(input.name === undefined ? {} : { name: input.name }),
    ...(input.payer === undefined ? {} : { payer: input.payer }),
    limits: input.limits,
    ...(input.merchants ? { merchants: input.merchants } : {}),
    ...(input.ask ? { ask: input.ask } : {}),
    repeatAfterMs: input.repeatAfter ?? DEFAULT_REPEAT_AFTER_MS,
    createdAt: now,
    expiresAt,
  })
}

/** Returns the delegation of a state if a session can be opened in it now. Throws its code otherwise. */
export function liveDelegationOfSession(state: LedgerState, id: string, now: number): Delegation {
  if (!state.delegation) {
    throw new BursarError('delegation_unknown', `There is no delegation called ${id}.`)
  }
  const end = delegationEnd(state.delegation, now)
  if (end) throw new BursarError(end, `createSession: delegation: ${id} has ended.`)
  if (state.delegation.permission?.state === 'requested') {
    const text = `createSession: delegation: the provider has not granted the permission of ${id} yet.`
    throw new BursarError('permission_unavailable', text)
  }
  return state.delegation
}

function assertSessionWithinDelegation(
  delegation: Delegation,
  input: ParsedSession,
  expiresAt: number,
): void {
  const ends = `expiresIn: ends after the delegation, which ends ${new Date(delegation.expiresAt).toISOString()}`
  const late = expiresAt > delegation.expiresAt ? ends : undefined
  const problem = findWiderLimit(input.limits, delegation.limits) ?? late
  if (problem) throw new BursarError('invalid_input', `createSession: ${problem}.`)
}
