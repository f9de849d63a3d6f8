import type { EventOf } from '../ledger/audit-event.ts'
import type { Delegation } from '../ledger/delegation.ts'
import { revokedDelegation } from '../ledger/delegation.ts'
import type { EndUserAccount } from '../ledger/end-user-account.ts'
import type { RecordedLimits } from '../ledger/recorded-limits.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import { type Session, sessionWithFurtherToken } from '../ledger/session.ts'
import { formatAmount } from '../money/amount.ts'
import { type Limits, limitsInput, noUsage, type Usage } from '../money/limits.ts'
import { keepSessionWindows } from '../rules/session-change.ts'
import { impossibleEvent } from './replay-state.ts'
import { findRowDifference } from './row-difference.ts'

/** Returns the delegation that a record granted. */
export function replayRecordedGrant(event: EventOf<'delegation-granted'>, at: number): Delegation {
  const { delegation: id, endUser, agent, name, instrument, merchants, ask } = event
  const { consent, expiresAt } = event
  return {
    id,
    endUser,
    agent,
    ...(name === undefined ? {} : { name }),
    instrument,
    limits: parseRecordedAccountLimits(event.limits),
    usage: noUsage,
    ...(merchants ? { merchants } : {}),
    ...(ask ? { ask } : {}),
    consent,
    createdAt: at,
    expiresAt,
    ...(event.permission ? { permission: { state: event.permission } } : {}),
  }
}

/** Returns a delegation after a record changed it. */
export function replayRecordedDelegation(
  delegation: Delegation,
  event: EventOf<
    | 'delegation-revoked'
    | 'permission-granted'
    | 'permission-revoked'
    | 'permission-withdrawal-failed'
  >,
  at: number,
): Delegation {
  const { permission } = delegation
  switch (event.type) {
    case 'delegation-revoked':
      return revokedDelegation(delegation, at)
    case 'permission-granted':
      return { ...delegation, permission: { id: event.permission, state: 'granted' } }
    case 'permission-revoked':
      return { ...delegation, permission: { ...permission, state: 'withdrawn' } }
    case 'permission-withdrawal-failed':
      return { ...delegation, permission: { ...permission, state: 'not_withdrawn' } }
    default:
      return event satisfies never
  }
}

/** Returns the session that a record created. */
export function replayRecordedSession(event: EventOf<'session-created'>, at: number): Session {
  const { session: id, name, parent, delegation, payer, tokenHash } = event
  const { merchants, ask, repeatAfterMs } = event
  return {
    id,
    ...(parent === undefined ? {} : { parent }),
    delegation,
    ...(name === undefined ? {} : { name }),
    ...(payer === undefined ? {} : { payer }),
    tokenHash,
    limits: parseRecordedAccountLimits(event.limits),
    usage: noUsage,
    ...(merchants ? { merchants } : {}),
    ...(ask ? { ask } : {}),
    repeatAfterMs,
    createdAt: at,
    expiresAt: event.expiresAt,
  }
}

/** Returns a session after a record changed it. */
export function replayRecordedSessionChange(
  session: Session,
  event: EventOf<
    | 'session-changed'
    | 'session-opened'
    | 'session-revoked'
    | 'session-closed'
    | 'session-locked'
    | 'session-unlocked'
  >,
  at: number,
): Session {
  switch (event.type) {
    case 'session-opened':
      return sessionWithFurtherToken(session, event.tokenHash)
    case 'session-revoked':
      return { ...session, revokedAt: at }
    case 'session-closed':
      return { ...session, closedAt: at }
    case 'session-locked':
      return { ...session, lockedAt: at }
    case 'session-unlocked': {
      const { lockedAt: _, ...open } = session
      return open
    }
    case 'session-changed': {
      const { merchants: _, ...rest } = session
      const limits = parseRecordedAccountLimits(event.limits)
      return {
        ...rest,
        limits,
        usage: { ...session.usage, windows: keepSessionWindows(session, limits) },
        expiresAt: event.expiresAt,
        ...(event.merchants ? { merchants: event.merchants } : {}),
      }
    }
    default:
      return event satisfies never
  }
}

/** Returns the first field in which a session's row differs from its records. Returns undefined if none does. */
export function findRecordedSessionDifference(row: Session, recorded: Session): string | undefined {
  return (
    describeRecordedUsage(row, recorded) ??
    findRowDifference(row.id, withRecordedLimits(row), withRecordedLimits(recorded), [
      'delegation',
      'parent',
      'payer',
      'limits',
      'expiresAt',
      'merchants',
      'ask',
      'revokedAt',
      'closedAt',
      'lockedAt',
      'name',
      'tokenHash',
      'furtherTokenHashes',
      'repeatAfterMs',
      'createdAt',
    ])
  )
}

/** Returns the first field in which a delegation's row differs from its records. Returns undefined if none does. */
export function findRecordedDelegationDifference(
  row: Delegation,
  recorded: Delegation,
): string | undefined {
  return (
    describeRecordedUsage(row, recorded) ??
    findRowDifference(row.id, withRecordedLimits(row), withRecordedLimits(recorded), [
      'endUser',
      'agent',
      'name',
      'instrument',
      'limits',
      'expiresAt',
      'merchants',
      'ask',
      'revokedAt',
      'permission',
      'consent',
      'createdAt',
    ])
  )
}

/** Returns the first field in which an end user's account differs from its records. Returns undefined if none does. */
export function findRecordedEndUserDifference(
  row: EndUserAccount,
  recorded: EndUserAccount,
): string | undefined {
  return (
    describeRecordedUsage(row, recorded) ??
    findRowDifference(row.id, withRecordedLimits(row), withRecordedLimits(recorded), [
      'endUser',
      'limits',
      'createdAt',
    ])
  )
}

/** Returns how an account's usage at a merchant differs from its records. Returns undefined if they agree. */
export function findRecordedUsageDifference(
  row: Account,
  recorded: Pick<Account, 'usage'>,
): string | undefined {
  return describeRecordedUsage(row, { id: row.id, usage: recorded.usage })
}

type Account = { readonly id: string; readonly usage: Usage }

function describeRecordedUsage({ id, usage }: Account, recorded: Account): string | undefined {
  const [says, said] = [formatAccountBalances(usage), formatAccountBalances(recorded.usage)]
  if (says !== said) return `${id} says ${says}, its records say ${said}`
  return findRowDifference(id, usage, recorded.usage, ['windows'])
}

function formatAccountBalances({ settledMicro, heldMicro, payments }: Usage): string {
  const [settled, held] = [formatAmount(settledMicro), formatAmount(heldMicro)]
  return `settled ${settled}, held ${held}, payments ${payments}`
}

function withRecordedLimits<One extends { readonly limits: Limits }>(
  one: One,
): Omit<One, 'limits'> & { readonly limits: RecordedLimits } {
  return { ...one, limits: recordedLimits(one.limits) }
}

/** Parses recorded limits. Throws `invariant_broken` if they can't be read. */
export function parseRecordedAccountLimits(recorded: unknown): Limits {
  const limits = limitsInput.safeParse(recorded)
  if (limits.success) return limits.data
  throw impossibleEvent('its limits cannot be read')
}
