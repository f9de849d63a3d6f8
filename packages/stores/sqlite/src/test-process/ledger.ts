import type { AuditEvent, Change, Delegation, LedgerState, Session, Store } from '@bursar/core'

/** The session that all tests use. */
export const sessionId = 'ses_shared'

const usage = { settledMicro: 0n, heldMicro: 0n, payments: 0, windows: [] }

const delegation: Delegation = {
  id: 'del_shared',
  endUser: 'alice',
  agent: 'researcher',
  instrument: 'alice-wallet',
  limits: { currency: 'USD', totalMicro: 1_000_000n, windows: [] },
  usage,
  consent: { how: 'settings page' },
  createdAt: 1,
  expiresAt: 2,
}

function notedInLedger(reason: string): AuditEvent {
  return { type: 'session-locked', session: sessionId, delegation: delegation.id, reason }
}

/** Writes the session, with a total in micro-units. */
export async function plantLedger(store: Store, totalMicro: bigint): Promise<void> {
  const session: Session = {
    id: sessionId,
    delegation: delegation.id,
    tokenHash: 'hash',
    limits: { ...delegation.limits, totalMicro },
    usage,
    repeatAfterMs: 1,
    createdAt: 1,
    expiresAt: 2,
  }
  const rows = { delegations: [delegation], sessions: [session] }
  await store.commit({}, () => ({ result: 0, ...rows, events: [notedInLedger('planted')] }), 'now')
}

/** Returns a change that holds one micro-unit of the session, or that finds the session full. */
export function holdOneInLedger(name: string): (state: LedgerState) => Change<'held' | 'over'> {
  return ({ session }) => {
    if (!session) throw new Error('The session is not there.')
    const { heldMicro } = session.usage
    if (heldMicro + 1n > session.limits.totalMicro) {
      return { result: 'over', events: [notedInLedger(`over ${name}`)] }
    }
    const next = { ...session, usage: { ...session.usage, heldMicro: heldMicro + 1n } }
    return { result: 'held', sessions: [next], events: [notedInLedger(`held ${name}`)] }
  }
}
