import { spendableAccountMicro } from '../ledger/accounts.ts'
import type { AskRule } from '../ledger/approval.ts'
import type { LedgerState } from '../ledger/ledger-state.ts'
import type { MerchantRule } from '../ledger/merchant.ts'
import { payingState } from '../ledger/paying-state.ts'
import type { Session } from '../ledger/session.ts'
import { formatAmount } from '../money/amount.ts'
import type { Store } from '../ports/store.ts'
import { findAccountEnd } from '../rules/account-end.ts'
import { type Spending, summarizeAccountSpending } from './account-summary.ts'

/**
 * A session as people and programs outside the guard read it, without its token. `state` and `remaining` take
 * account of every parent session and of the delegation: a child whose parent is spent has `remaining: '0.00'`.
 */
export interface SessionSummary extends Spending {
  /** The session's id. */
  readonly id: string
  /** The id of the delegation that the session draws from. */
  readonly delegation: string
  /** The name by which set-up code finds it again. */
  readonly name?: string
  /** The id of the parent session; absent for a session that management created. */
  readonly parent?: string
  /** The id of the credential that has to accompany the session's token. */
  readonly payer?: string
  /** Whether the session can pay now, and if not, why. */
  readonly state: 'open' | 'revoked' | 'expired' | 'locked'
  /** The merchants that the session may pay; absent if the session doesn't narrow the delegation's. */
  readonly merchants?: readonly MerchantRule[]
  /** The rule for payments that need an approval, besides those to merchants that are not listed. */
  readonly ask?: AskRule
  /** The time at which the session was created. ISO 8601, UTC. */
  readonly createdAt: string
  /** The time at which the session expires. ISO 8601, UTC. */
  readonly expiresAt: string
}

const states: Readonly<Record<string, Exclude<SessionSummary['state'], 'open'>>> = {
  session_revoked: 'revoked',
  session_expired: 'expired',
  session_locked: 'locked',
  delegation_revoked: 'revoked',
  delegation_expired: 'expired',
}

/** Returns the summary of a loaded session at a time in milliseconds since the epoch. */
export function summarizeSession(loaded: LedgerState, now: number): SessionSummary {
  const state = payingState(loaded)
  const { session } = state
  // A payer's key may expire and be renewed while the session stays open.
  const { credential: _key, ...accounts } = state
  const ended = findAccountEnd(accounts, now)
  return {
    id: session.id,
    delegation: session.delegation,
    ...(session.name === undefined ? {} : { name: session.name }),
    ...(session.parent === undefined ? {} : { parent: session.parent }),
    ...(session.payer === undefined ? {} : { payer: session.payer }),
    state: (ended && states[ended.code]) ?? 'open',
    ...(session.merchants ? { merchants: session.merchants } : {}),
    ...(session.ask ? { ask: session.ask } : {}),
    createdAt: new Date(session.createdAt).toISOString(),
    expiresAt: new Date(session.expiresAt).toISOString(),
    ...summarizeAccountSpending(session.limits, session.usage),
    remaining: formatAmount(spendableAccountMicro(state)),
  }
}

/** Returns the summaries of a page of sessions. A parent or delegation that several share is read once. */
export async function summarizeSessions(
  store: Store,
  sessions: readonly Session[],
): Promise<SessionSummary[]> {
  const sources = new Map<string, LedgerState>()
  const readSource = async ({ parent, delegation }: Session): Promise<LedgerState> => {
    const id = parent ?? delegation
    const found =
      sources.get(id) ?? (await store.read(parent ? { session: parent } : { delegation }))
    sources.set(id, found)
    return found
  }
  const summaries: SessionSummary[] = []
  for (const session of sessions) {
    const { session: parent, ancestors, ...others } = await readSource(session)
    const state = { ...others, session, ancestors: parent ? [parent, ...ancestors] : ancestors }
    summaries.push(summarizeSession(state, store.now()))
  }
  return summaries
}
