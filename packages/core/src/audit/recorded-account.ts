import type { EventOf } from '../ledger/audit-event.ts'
import type { Delegation } from '../ledger/delegation.ts'
import { revokedDelegation } from '../ledger/delegation.ts'
import type { EndUserAccount } from '../ledger/end-user-account.ts'
import type { RecordedLimits } from '../ledger/recorded-limits.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import type { Session } from '../ledger/session.ts'
import { formatAmount } from '../money/amount.ts'
import { type Limits, limitsInput, noUsage, type Usage } from '../money/limits.ts'
import { keptWindows } from '../rules/session-change.ts'
import { impossibleEvent } from './impossible-event.ts'
import { difference } from './row-difference.ts'

/** The delegation as it was granted. */
export function grantedDelegation(event: EventOf<'delegation-granted'>, at: number): Delegation {
  const { delegation: id, endUser, agent, instrument, merchants, ask, consent, expiresAt } = event
  return {
    id,
    endUser,
    agent,
    instrument,
    limits: readLimits(event.limits),
    usage: noUsage,
    ...(merchants ? { merchants } : {}),
    ...(ask ? { ask } : {}),
    consent,
    createdAt: at,
    expiresAt,
    ...(event.permission ? { permission: { state: event.permission } } : {}),
  }
}

/** The delegation as it is after a change of it. */
export function delegationAfter(
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

/** The session as it was created. */
export function createdSession(event: EventOf<'session-created'>, at: number): Session {
  const { session: id, parent, delegation, payer, tokenHash } = event
  const { merchants, ask, repeatAfterMs } = event
  return {
    id,
    ...(parent === undefined ? {} : { parent }),
    delegation,
    ...(payer === undefined ? {} : { payer }),
    tokenHash,
    limits: readLimits(event.limits),
    usage: noUsage,
    ...(merchants ? { merchants } : {}),
    ...(ask ? { ask } : {}),
    repeatAfterMs,
    createdAt: at,
    expiresAt: event.expiresAt,
  }
}

/** The session as it is after a change of it. */
export function sessionAfter(
  session: Session,
  event: EventOf<
    'session-changed' | 'session-revoked' | 'session-closed' | 'session-locked' | 'session-unlocked'
  >,
  at: number,
): Session {
  switch (event.type) {
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
      const limits = readLimits(event.limits)
      return {
        ...rest,
        limits,
        usage: { ...session.usage, windows: keptWindows(session, limits) },
        expiresAt: event.expiresAt,
        ...(event.merchants ? { merchants: event.merchants } : {}),
      }
    }
    default:
      return event satisfies never
  }
}

/** In what a session's row is not what its records say. */
export function sessionProblem(row: Session, recorded: Session): string | undefined {
  return (
    usageProblem(row, recorded) ??
    difference(row.id, shown(row), shown(recorded), [
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
      'tokenHash',
      'repeatAfterMs',
      'createdAt',
    ])
  )
}

/** In what a delegation's row is not what its records say. */
export function delegationProblem(row: Delegation, recorded: Delegation): string | undefined {
  return (
    usageProblem(row, recorded) ??
    difference(row.id, shown(row), shown(recorded), [
      'endUser',
      'agent',
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

/** In what an end user's account is not what its records say. */
export function endUserProblem(row: EndUserAccount, recorded: EndUserAccount): string | undefined {
  return (
    usageProblem(row, recorded) ??
    difference(row.id, shown(row), shown(recorded), ['endUser', 'limits', 'createdAt'])
  )
}

/** In what an account has spent something else at a merchant than its records say. */
export function merchantUsageProblem(
  row: Account,
  recorded: Pick<Account, 'usage'>,
): string | undefined {
  return usageProblem(row, { id: row.id, usage: recorded.usage })
}

type Account = { readonly id: string; readonly usage: Usage }

function usageProblem({ id, usage }: Account, recorded: Account): string | undefined {
  const [says, said] = [balances(usage), balances(recorded.usage)]
  if (says !== said) return `${id} says ${says}, its records say ${said}`
  return difference(id, usage, recorded.usage, ['windows'])
}

function balances({ settledMicro, heldMicro, payments }: Usage): string {
  const [settled, held] = [formatAmount(settledMicro), formatAmount(heldMicro)]
  return `settled ${settled}, held ${held}, payments ${payments}`
}

function shown<One extends { readonly limits: Limits }>(
  one: One,
): Omit<One, 'limits'> & { readonly limits: RecordedLimits } {
  return { ...one, limits: recordedLimits(one.limits) }
}

/** Limits as they were recorded. */
export function readLimits(recorded: unknown): Limits {
  const limits = limitsInput.safeParse(recorded)
  if (limits.success) return limits.data
  throw impossibleEvent('its limits cannot be read')
}
