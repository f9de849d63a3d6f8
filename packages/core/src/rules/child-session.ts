import { accountsOf } from '../ledger/accounts.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import { MAX_SESSION_DEPTH, type ParsedSession, type Session } from '../ledger/session.ts'
import { noUsage, widerThan } from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import { standing } from './account-end.ts'

/**
 * Opens a session below the one that a state is about, for a sub-agent. It is never wider than its
 * parent, draws from the parent's pool, and ends with it. Throws `invalid_input` for what is wider,
 * `session_too_deep`, and the code of what has ended.
 */
export function openedChild(
  state: LedgerState,
  identity: { readonly id: string; readonly tokenHash: string },
  input: Omit<ParsedSession, 'delegation'>,
  now: number,
): Change<Session> {
  const { session: parent, delegation } = accountsOf(state)
  const ended = standing(state, now)
  if (ended) throw new BursarError(ended.code, `openChild: ${ended.detail}.`)
  if (state.ancestors.length + 1 >= MAX_SESSION_DEPTH) {
    const message = `openChild: sessions may be nested ${MAX_SESSION_DEPTH} deep.`
    throw new BursarError('session_too_deep', message)
  }
  const expiresAt = now + input.expiresIn
  const late = expiresAt > parent.expiresAt ? 'expiresIn: ends after the session above' : undefined
  const problem = widerThan(input.limits, parent.limits) ?? late
  if (problem) throw new BursarError('invalid_input', `openChild: ${problem}.`)
  const payer = input.payer ?? parent.payer
  const session: Session = {
    ...identity,
    parent: parent.id,
    delegation: delegation.id,
    ...(payer === undefined ? {} : { payer }),
    limits: input.limits,
    usage: noUsage,
    ...(input.merchants ? { merchants: input.merchants } : {}),
    repeatAfterMs: parent.repeatAfterMs,
    createdAt: now,
    expiresAt,
  }
  return {
    result: session,
    sessions: [session],
    events: [
      {
        type: 'session-created',
        session: session.id,
        parent: parent.id,
        delegation: delegation.id,
        endUser: delegation.endUser,
        agent: delegation.agent,
        ...(payer === undefined ? {} : { payer }),
        tokenHash: session.tokenHash,
        limits: recordedLimits(session.limits),
        ...(session.merchants ? { merchants: session.merchants } : {}),
        repeatAfterMs: session.repeatAfterMs,
        expiresAt,
      },
    ],
  }
}
