import type { Guard } from '../guard/guard.ts'
import { countUnknownTokens } from '../guard/telemetry.ts'
import type { Scope } from '../ledger/ledger-state.ts'
import { type PayingState, payingState } from '../ledger/paying-state.ts'
import type { Session } from '../ledger/session.ts'
import { equalHashes } from '../primitives/hash.ts'

/** The holder of a session token: the session that it names, its hash, and the credential with it. */
export interface Holder {
  readonly session: string
  readonly tokenHash: string
  /** The credential that was verified with the token. */
  readonly payer?: string | undefined
}

/** Checks that a token is the session's, and comes with the credential that the session is bound to. */
export function holdsToken(holder: Holder, session: Session | undefined): boolean {
  return (
    session !== undefined &&
    [session.tokenHash, ...(session.furtherTokenHashes ?? [])].some((hash) =>
      equalHashes(hash, holder.tokenHash),
    ) &&
    session.payer === holder.payer
  )
}

/**
 * Reads the state of the holder's own session, and what else the scope names. Returns undefined if the
 * token belongs to no session, or came with another credential than its session is bound to. Such calls
 * are counted, and leave no audit record. Throws `request_rate_exceeded` over their limit.
 */
export async function readTokenHolderState(
  guard: Guard,
  holder: Holder,
  scope: Omit<Scope, 'session'> = {},
): Promise<PayingState | undefined> {
  const { store, strangers } = guard
  const { session, tokenHash, payer } = holder
  const find = async (): Promise<PayingState | undefined> => {
    const state = await store.read({ ...scope, session })
    return holdsToken(holder, state.session) ? payingState(state) : undefined
  }
  const own = await strangers.look(tokenHash, store.now(), find, payer)
  if (!own) countUnknownTokens()
  return own
}
