import type { Delegation } from '../ledger/delegation.ts'
import type { Change } from '../ledger/ledger-state.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import type { Session } from '../ledger/session.ts'
import { noUsage } from '../money/limits.ts'

/** Opens a session below a delegation, with the record that says so. Nothing is spent in it yet. */
export function newSession(
  { id: delegation, endUser, agent }: Delegation,
  given: Omit<Session, 'delegation' | 'usage'>,
): Change<Session> {
  const session: Session = { ...given, delegation, usage: noUsage }
  const { id, name, parent, payer, tokenHash, limits, merchants, ask } = session
  const { repeatAfterMs, expiresAt } = session
  return {
    result: session,
    sessions: [session],
    events: [
      {
        type: 'session-created',
        session: id,
        ...(parent === undefined ? {} : { parent }),
        delegation,
        endUser,
        agent,
        ...(name === undefined ? {} : { name }),
        ...(payer === undefined ? {} : { payer }),
        tokenHash,
        limits: recordedLimits(limits),
        ...(merchants ? { merchants } : {}),
        ...(ask ? { ask } : {}),
        repeatAfterMs,
        expiresAt,
      },
    ],
  }
}
