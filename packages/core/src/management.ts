import { recordedLimits, type SessionSummary, summaryOfSession } from './account-summary.ts'
import { type Delegation, delegationEnd } from './delegation.ts'
import { BursarError } from './errors.ts'
import { type Exposure, type ExposureFilter, exposureOf } from './exposure.ts'
import type { Guard } from './guard.ts'
import { newId } from './id.ts'
import { nameField, ownerInput, pageInput, parseInput, reasonInput } from './input.ts'
import { noUsage, widerThan } from './limits.ts'
import {
  DEFAULT_REPEAT_AFTER_MS,
  type ParsedSession,
  type Session,
  type SessionInput,
  sessionInput,
} from './session.ts'
import { changedSession, type SessionChangeInput, sessionChangeInput } from './session-change.ts'
import type { Change, LedgerState, Page, PageRequest, Store } from './store.ts'
import { newSessionToken } from './token.ts'

/** Creates and ends sessions within delegations. It can never pay. */
export interface Management {
  /**
   * Opens a session within a delegation. The token is shown here once and stored nowhere: give it
   * to the agent's process and to nobody else. Throws `invalid_input`, `delegation_unknown`,
   * `delegation_revoked` or `delegation_expired`.
   */
  createSession(input: SessionInput): Promise<CreatedSession>
  /** Stops the next reservation at once, for good. What may be signed is still reconciled. */
  revokeSession(session: string, options?: { readonly reason?: string }): Promise<SessionSummary>
  /**
   * Narrows, raises or extends a session, within its delegation. Throws `invalid_input`, also where
   * the new total is below what is committed, and the code of what has ended.
   */
  changeSession(session: string, change: SessionChangeInput): Promise<SessionSummary>
  /** What may be signed and is still open: the most that can still move, and until when. */
  exposure(filter?: ExposureFilter): Promise<Exposure>
  /** Lets a session go on that an overrun has locked. */
  unlockSession(session: string, options?: { readonly reason?: string }): Promise<SessionSummary>
  session(session: string): Promise<SessionSummary>
  /** Sessions, oldest first. */
  sessions(
    filter?: { readonly delegation?: string; readonly endUser?: string },
    page?: PageRequest,
  ): Promise<Page<SessionSummary>>
}

export interface CreatedSession {
  readonly id: string
  readonly token: string
  /** ISO 8601, UTC. */
  readonly expiresAt: string
}

export function createManagement(guard: Guard, ready: () => Promise<void>): Management {
  const { store } = guard
  return {
    createSession: async (given) => {
      const input = parseInput(sessionInput, given, 'createSession')
      await ready()
      const id = newId('ses')
      const { token, tokenHash } = newSessionToken(id)
      const session = await store.commit(
        { delegation: input.delegation },
        (state, now) => created(state, { id, tokenHash }, input, now),
        'now',
      )
      guard.strangers.know(tokenHash)
      return { id, token, expiresAt: new Date(session.expiresAt).toISOString() }
    },
    revokeSession: async (id, options) => {
      await ready()
      return end(store, id, 'session-revoked', options)
    },
    unlockSession: async (id, options) => {
      await ready()
      return end(store, id, 'session-unlocked', options)
    },
    changeSession: async (given, change) => {
      const id = parseInput(nameField, given, 'changeSession: session')
      const input = parseInput(sessionChangeInput, change, 'changeSession')
      await ready()
      return store.commit(
        { session: id },
        (state, now) => {
          if (!state.session) throw unknown('session', id)
          const changed = changedSession(state, input, now)
          return { ...changed, result: summaryOfSession(changed.result, now) }
        },
        'now',
      )
    },
    exposure: async (given = {}) => {
      const filter = parseInput(ownerInput, given, 'exposure')
      await ready()
      return exposureOf(store, filter)
    },
    session: async (given) => {
      const id = parseInput(nameField, given, 'session')
      await ready()
      const { session } = await store.read({ session: id })
      if (!session) throw unknown('session', id)
      return summaryOfSession(session, store.now())
    },
    sessions: async (whose = {}, given = {}) => {
      const { delegation, endUser } = parseInput(ownerInput, whose, 'sessions')
      const page = parseInput(pageInput, given, 'sessions')
      const filter = {
        ...(delegation === undefined ? {} : { delegation }),
        ...(endUser === undefined ? {} : { endUser }),
      }
      await ready()
      const found = await store.sessions(filter, page)
      return { ...found, rows: found.rows.map((one) => summaryOfSession(one, store.now())) }
    },
  }
}

function created(
  state: LedgerState,
  identity: { readonly id: string; readonly tokenHash: string },
  input: ParsedSession,
  now: number,
): Change<Session> {
  const delegation = liveDelegation(state, input.delegation, now)
  const expiresAt = now + input.expiresIn
  assertWithin(delegation, input, expiresAt)
  const session: Session = {
    ...identity,
    delegation: delegation.id,
    ...(input.payer === undefined ? {} : { payer: input.payer }),
    limits: input.limits,
    usage: noUsage,
    ...(input.merchants ? { merchants: input.merchants } : {}),
    ...(input.ask ? { ask: input.ask } : {}),
    repeatAfterMs: input.repeatAfter ?? DEFAULT_REPEAT_AFTER_MS,
    createdAt: now,
    expiresAt,
  }
  return {
    result: session,
    sessions: [session],
    events: [
      {
        type: 'session-created',
        session: session.id,
        delegation: delegation.id,
        endUser: delegation.endUser,
        agent: delegation.agent,
        ...(session.payer === undefined ? {} : { payer: session.payer }),
        tokenHash: session.tokenHash,
        limits: recordedLimits(session.limits),
        ...(session.merchants ? { merchants: session.merchants } : {}),
        ...(session.ask ? { ask: session.ask } : {}),
        repeatAfterMs: session.repeatAfterMs,
        expiresAt,
      },
    ],
  }
}

function liveDelegation(state: LedgerState, id: string, now: number): Delegation {
  if (!state.delegation) throw unknown('delegation', id)
  const end = delegationEnd(state.delegation, now)
  if (end) throw new BursarError(end, `createSession: delegation: ${id} has ended.`)
  return state.delegation
}

/** A session is never wider than the permission that it draws from. */
function assertWithin(delegation: Delegation, input: ParsedSession, expiresAt: number): void {
  const ends = `expiresIn: ends after the delegation, which ends ${new Date(delegation.expiresAt).toISOString()}`
  const late = expiresAt > delegation.expiresAt ? ends : undefined
  const problem = widerThan(input.limits, delegation.limits) ?? late
  if (problem) throw new BursarError('invalid_input', `createSession: ${problem}.`)
}

async function end(
  store: Store,
  given: string,
  type: 'session-revoked' | 'session-unlocked',
  options: { readonly reason?: string } = {},
): Promise<SessionSummary> {
  const id = parseInput(nameField, given, type)
  const { reason } = parseInput(reasonInput, options, type)
  return store.commit(
    { session: id },
    (state, now) => {
      if (!state.session) throw unknown('session', id)
      const session =
        type === 'session-revoked' ? revoked(state.session, now) : unlocked(state.session)
      const result = summaryOfSession(session, now)
      if (session === state.session) return { result, events: [] }
      const { delegation } = session
      const event = { type, session: id, delegation, ...(reason === undefined ? {} : { reason }) }
      return { result, sessions: [session], events: [event] }
    },
    'now',
  )
}

function revoked(session: Session, now: number): Session {
  return session.revokedAt === undefined ? { ...session, revokedAt: now } : session
}

function unlocked(session: Session): Session {
  const { lockedAt, ...open } = session
  return lockedAt === undefined ? session : open
}

function unknown(what: string, id: string): BursarError {
  return new BursarError(`${what}_unknown`, `There is no ${what} called ${id}.`)
}
