import type { Guard } from '../guard/guard.ts'
import { recordUnknownToken } from '../guard/telemetry.ts'
import type { Scope } from '../ledger/ledger-state.ts'
import { type PayingState, payingState } from '../ledger/paying-state.ts'
import type { Session } from '../ledger/session.ts'
import { equalHashes } from '../primitives/hash.ts'

/** Who calls: the session that a token speaks of, the token's hash, and who came with it. */
export interface Holder {
  readonly session: string
  readonly tokenHash: string
  /** The credential that was verified with the token. */
  readonly payer?: string | undefined
}

/** Whether a holder's token is the session's, and comes with the credential it is bound to, if any. */
export function holds(holder: Holder, session: Session | undefined): boolean {
  return (
    session !== undefined &&
    equalHashes(session.tokenHash, holder.tokenHash) &&
    session.payer === holder.payer
  )
}

/**
 * The state of the holder's own session, and what else the scope names; `undefined` for a token that
 * belongs to no session, or comes with another credential than its session is bound to. Such calls are counted and limited, and leave no audit record:
 * over the limit it throws `request_rate_exceeded`.
 */
export async function ownState(
  guard: Guard,
  holder: Holder,
  scope: Omit<Scope, 'session'> = {},
): Promise<PayingState | undefined> {
  const { store, strangers } = guard
  const { session, tokenHash, payer } = holder
  const find = async (): Promise<PayingState | undefined> => {
    const state = await store.read({ ...scope, session })
    return holds(holder, state.session) ? payingState(state) : undefined
  }
  const own = await strangers.look(tokenHash, store.now(), find, payer)
  if (!own) recordUnknownToken()
  return own
}
