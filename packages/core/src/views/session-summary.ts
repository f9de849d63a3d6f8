import { spendableMicro } from '../ledger/accounts.ts'
import type { AskRule } from '../ledger/approval.ts'
import type { LedgerState } from '../ledger/ledger-state.ts'
import type { MerchantRule } from '../ledger/merchant.ts'
import { payingState } from '../ledger/paying-state.ts'
import type { Session } from '../ledger/session.ts'
import { formatAmount } from '../money/amount.ts'
import type { Store } from '../ports/store.ts'
import { standing } from '../rules/account-end.ts'
import { type Spending, spending } from './account-summary.ts'

/**
 * A session as people and programs outside the guard read it. Its token is not in it. Its state and
 * what remains are those of all that it draws from: nothing is left of a child whose parent is spent.
 */
export interface SessionSummary extends Spending {
  readonly id: string
  readonly delegation: string
  /** The session that it draws from. */
  readonly parent?: string
  /** The credential that its token has to come with. */
  readonly payer?: string
  readonly state: 'open' | 'revoked' | 'expired' | 'locked'
  readonly merchants?: readonly MerchantRule[]
  /** When it asks a human, besides what it leaves open. */
  readonly ask?: AskRule
  readonly createdAt: string
  readonly expiresAt: string
}

const states: Readonly<Record<string, Exclude<SessionSummary['state'], 'open'>>> = {
  session_revoked: 'revoked',
  session_expired: 'expired',
  session_locked: 'locked',
  delegation_revoked: 'revoked',
  delegation_expired: 'expired',
}

/** Sums up the session of a state. */
export function summaryOfSession(loaded: LedgerState, now: number): SessionSummary {
  const state = payingState(loaded)
  const { session } = state
  // The key of whoever pays may end and be renewed; the session stands.
  const { credential: _key, ...accounts } = state
  const ended = standing(accounts, now)
  return {
    id: session.id,
    delegation: session.delegation,
    ...(session.parent === undefined ? {} : { parent: session.parent }),
    ...(session.payer === undefined ? {} : { payer: session.payer }),
    state: (ended && states[ended.code]) ?? 'open',
    ...(session.merchants ? { merchants: session.merchants } : {}),
    ...(session.ask ? { ask: session.ask } : {}),
    createdAt: new Date(session.createdAt).toISOString(),
    expiresAt: new Date(session.expiresAt).toISOString(),
    ...spending(session.limits, session.usage),
    remaining: formatAmount(spendableMicro(state)),
  }
}

/** Sums up a page of sessions. What they draw from is read once for all that share it. */
export async function summariesOfSessions(
  store: Store,
  sessions: readonly Session[],
): Promise<SessionSummary[]> {
  const known = new Map<string, LedgerState>()
  const above = async ({ parent, delegation }: Session): Promise<LedgerState> => {
    const id = parent ?? delegation
    const found = known.get(id) ?? (await store.read(parent ? { session: parent } : { delegation }))
    known.set(id, found)
    return found
  }
  const summaries: SessionSummary[] = []
  for (const session of sessions) {
    const { session: parent, ancestors, ...others } = await above(session)
    const state = { ...others, session, ancestors: parent ? [parent, ...ancestors] : ancestors }
    summaries.push(summaryOfSession(state, store.now()))
  }
  return summaries
}
