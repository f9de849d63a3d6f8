import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { payingState } from '../ledger/paying-state.ts'
import { MAX_SESSION_DEPTH, type ParsedChild, type Session } from '../ledger/session.ts'
import { findWiderLimit } from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import { findAccountEnd } from './account-end.ts'
import { newSession } from './new-session.ts'

/**
 * Opens a session below the session of a state, for a sub-agent. The child is never wider than its
 * parent, draws from the parent's pool, and ends with the parent. Throws `invalid_input` if the child
 * would be wider, `session_too_deep`, and the code of an account that has ended.
 */
export function openChildSession(
  loaded: LedgerState,
  identity: { readonly id: string; readonly tokenHash: string },
  input: ParsedChild,
  now: number,
): Change<Session> {
  const state = payingState(loaded)
  const { session: parent, delegation } = state
  const ended = findAccountEnd(state, now)
  if (ended) throw new BursarError(ended.code, `openChild: ${ended.detail}.`)
  if (state.ancestors.length + 1 >= MAX_SESSION_DEPTH) {
    const message = `openChild: sessions may be nested ${MAX_SESSION_DEPTH} deep.`
    throw new BursarError('session_too_deep', message)
  }
  const expiresAt = now + input.expiresIn
  const late = expiresAt > parent.expiresAt ? 'expiresIn: ends after the session above' : undefined
  const problem = findWiderLimit(input.limits, parent.limits) ?? late
  if (problem) throw new BursarError('invalid_input', `openChild: ${problem}.`)
  const payer = input.payer ?? parent.payer
  return newSession(delegation, {
    ...identity,
    parent: parent.id,
    ...(payer === undefined ? {} : { payer }),
    limits: input.limits,
    ...(input.merchants ? { merchants: input.merchants } : {}),
    repeatAfterMs: parent.repeatAfterMs,
    createdAt: now,
    expiresAt,
  })
}
