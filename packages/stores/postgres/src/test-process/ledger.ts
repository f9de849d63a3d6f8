import type {
  AuditEvent,
  AuditRecord,
  Change,
  Delegation,
  LedgerState,
  Session,
  Store,
} from '@bursar/core'
import { GENESIS_HASH, recordHash } from '@bursar/core'

/** The session that all tests use. */
export const sessionId = 'ses_shared'

const usage = { settledMicro: 0n, heldMicro: 0n, payments: 0, windows: [] }

/** The delegation of every session that the test processes plant. */
export const sharedDelegation: Delegation = {
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

/** Returns a session of the delegation. */
export function sharedLedgerSession(id: string, totalMicro: bigint, parent?: string): Session {
  return {
    id,
    delegation: sharedDelegation.id,
    ...(parent === undefined ? {} : { parent }),
    tokenHash: 'hash',
    limits: { ...sharedDelegation.limits, totalMicro },
    usage,
    repeatAfterMs: 1,
    createdAt: 1,
    expiresAt: 2,
  }
}

/** Returns an event that only its reason distinguishes from others. */
export function notedInLedger(reason: string): AuditEvent {
  return { type: 'session-locked', session: sessionId, delegation: sharedDelegation.id, reason }
}

/** Writes the session, with a total in micro-units. */
export async function plantLedger(store: Store, totalMicro: bigint): Promise<void> {
  const sessions = [sharedLedgerSession(sessionId, totalMicro)]
  const rows = { delegations: [sharedDelegation], sessions }
  await store.commit({}, () => ({ result: 0, ...rows, events: [notedInLedger('planted')] }), 'now')
}

/** Returns a change that holds one micro-unit of the scope's session, or that finds it full. */
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

/** Reads the whole audit trail. */
export async function ledgerTrailOf(store: Store): Promise<readonly AuditRecord[]> {
  const trail: AuditRecord[] = []
  let after: string | undefined
  do {
    const page = await store.audit({ after })
    trail.push(...page.rows)
    after = page.cursor
  } while (after !== undefined)
  return trail
}

/** Checks whether every record is chained to the one before it. */
export function isLedgerChained(trail: readonly AuditRecord[]): boolean {
  return trail.every(({ seq, at, body, hash }, index) => {
    const previous = trail[index - 1]
    const isNext = seq === index + 1 && at >= (previous?.at ?? 0)
    return isNext && hash === recordHash(previous?.hash ?? GENESIS_HASH, seq, at, body)
  })
}

/** Returns the reasons of records, in their order. */
export function ledgerReasonsOf(trail: readonly AuditRecord[]): readonly string[] {
  return trail.map(({ body }) => (JSON.parse(body) as { reason: string }).reason)
}
