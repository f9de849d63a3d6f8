import { type Delegation, delegationEnd } from '../ledger/delegation.ts'
import { givenName, type NameOwner, nameId } from '../ledger/given-name.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import {
  type ParsedSession,
  type Session,
  sessionEnd,
  sessionWithFurtherToken,
} from '../ledger/session.ts'
import { canonicalJson } from '../primitives/canonical-json.ts'
import { BursarError } from '../primitives/errors.ts'
import { hashOf } from '../primitives/hash.ts'
import { createSession, liveDelegationOfSession } from './created-session.ts'

/** Returns the id of the operation that stands for a session's name. */
export function sessionNameId(owner: NameOwner, name: string): string {
  return nameId('session', owner, name)
}

/** The name to open, and the parts that a new session or token needs. */
export interface NamedOpening {
  readonly name: string
  /** The id of the session that is made if the name has none, or its session has ended. */
  readonly newest: string
  /** Returns the hash of the token that is being made, for a session. */
  readonly makeHash: (session: string) => string
  /** The delegation of the session that has the name now. */
  readonly before?: Delegation | undefined
}

/**
 * Opens the session of a name in the delegation of a state, whose `operation` is the name and whose
 * `session` has it. Returns the session's id.
 *
 * Rules: the same input finds the same session, with its budget as it is, because a restart must not begin a
 * cap anew. A session that has expired or that its payer closed is followed by the next one; what a manager
 * revoked stays revoked. Under another delegation, which needs the end user's consent, a name is free once
 * the session that has it has ended.
 */
export function openNamedSession(
  state: LedgerState,
  { name, newest, makeHash, before }: NamedOpening,
  input: ParsedSession,
  now: number,
): Change<string> {
  const delegation = liveDelegationOfSession(state, input.delegation, now)
  const inputHash = hashOf('input', [canonicalJson(input)])
  const { session, operation } = state
  if (!session || !operation || isFollowedSession(session, before, delegation, now)) {
    const created = createSession(state, { id: newest, tokenHash: makeHash(newest) }, input, now)
    const given = givenName(sessionNameId(delegation, name), newest, inputHash, now)
    return { ...created, result: newest, operations: [given] }
  }
  if (session.delegation === delegation.id && session.revokedAt !== undefined) {
    const text = `createSession: name: the session called ${name}, ${session.id}, was revoked. Open one under another name.`
    throw new BursarError('session_revoked', text)
  }
  if (session.delegation !== delegation.id || operation.inputHash !== inputHash) {
    throw nameTaken(session, name, delegation)
  }
  const { id } = session
  const tokenHash = makeHash(id)
  return {
    result: id,
    sessions: [sessionWithFurtherToken(session, tokenHash)],
    events: [{ type: 'session-opened', session: id, delegation: delegation.id, tokenHash }],
  }
}

/** Checks whether the next session may have the name of this one. */
function isFollowedSession(
  session: Session,
  before: Delegation | undefined,
  delegation: Delegation,
  now: number,
): boolean {
  const end = sessionEnd(session, now)
  const isOver = end !== undefined && end !== 'session_locked'
  if (session.delegation === delegation.id) return isOver && session.revokedAt === undefined
  return isOver || (before !== undefined && delegationEnd(before, now) !== undefined)
}

function nameTaken(session: Session, name: string, delegation: Delegation): BursarError {
  const other =
    session.delegation === delegation.id
      ? 'which was created with another input'
      : `in the delegation ${session.delegation}`
  const text = `createSession: name: ${name} is taken by ${session.id}, ${other}. Give this one another name, or change that one with changeSession.`
  return new BursarError('name_taken', text)
}
