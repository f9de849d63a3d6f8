import type { Guard } from './guard.ts'
import type { LedgerState, Scope } from './store.ts'
import { recordUnknownToken } from './telemetry.ts'
import { equalHashes } from './token.ts'

/** Who calls: the session that a token speaks of, and the token's hash. */
export interface Holder {
  readonly session: string
  readonly tokenHash: string
}

/**
 * The state of the holder's own session, and what else the scope names; `undefined` for a token that
 * belongs to no session. Such calls are counted and limited, and leave no audit record.
 */
export async function ownState(
  guard: Guard,
  holder: Holder,
  scope: Omit<Scope, 'session'> = {},
): Promise<LedgerState | undefined> {
  const { store, strangers } = guard
  if (strangers.admits(holder.tokenHash, store.now())) {
    const state = await store.read({ ...scope, session: holder.session })
    if (state.session && equalHashes(state.session.tokenHash, holder.tokenHash)) {
      strangers.know(holder.tokenHash)
      return state
    }
  }
  recordUnknownToken()
  return undefined
}
