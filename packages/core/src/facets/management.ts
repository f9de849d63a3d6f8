import type { Guard } from '../guard/guard.ts'
import { sessionToken } from '../ledger/bearer-token.ts'
import { type Delegation, delegationEnd } from '../ledger/delegation.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { OnceOptions } from '../ledger/operation.ts'
import {
  DEFAULT_REPEAT_AFTER_MS,
  type ParsedSession,
  type Session,
  type SessionInput,
  sessionInput,
} from '../ledger/session.ts'
import { widerThan } from '../money/limits.ts'
import type { Page, PageRequest, Store } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'
import { nameField, ownerInput, pageInput, parseInput, reasonInput } from '../primitives/fields.ts'
import { newId } from '../primitives/id.ts'
import { newSession } from '../rules/new-session.ts'
import {
  changedSession,
  type SessionChangeInput,
  sessionChangeInput,
} from '../rules/session-change.ts'
import {
  type Cancellation,
  type CancelOptions,
  type CancelTarget,
  cancelExposed,
} from '../settlement/cancellation.ts'
import { type Exposure, type ExposureFilter, exposureOf } from '../settlement/exposure.ts'
import {
  type SessionSummary,
  summariesOfSessions,
  summaryOfSession,
} from '../views/session-summary.ts'
import { once } from './idempotency.ts'

/** Creates and ends sessions within delegations. It can never pay. */
export interface Management {
  /**
   * Opens a session within a delegation. The token is shown here once and stored nowhere: give it
   * to the agent's process and to nobody else. Throws `invalid_input`, `delegation_unknown`,
   * `delegation_revoked` or `delegation_expired`.
   */
  createSession(input: SessionInput, options?: OnceOptions): Promise<CreatedSession>
  /** Stops the next reservation at once, for good. What may be signed is still reconciled. */
  revokeSession(session: string, options?: { readonly reason?: string }): Promise<SessionSummary>
  /**
   * Narrows, raises or extends a session, within its delegation. Throws `invalid_input`, also where
   * the new total is below what is committed, and the code of what has ended.
   */
  changeSession(
    session: string,
    change: SessionChangeInput,
    options?: OnceOptions,
  ): Promise<SessionSummary>
  /** What may be signed and is still open: the most that can still move, and until when. */
  exposure(filter?: ExposureFilter): Promise<Exposure>
  /**
   * Asks the rails to make unusable what was signed within a session or a permission that has ended:
   * revoke first, so that nothing new comes. What is settled first stays settled, and only proof
   * ends a hold. Throws `invalid_input` and the code of what is not known.
   */
  cancel(target: CancelTarget, options?: CancelOptions): Promise<Cancellation>
  /** Lets a session go on that an overrun has locked. */
  unlockSession(
    session: string,
    options?: { readonly reason?: string } & OnceOptions,
  ): Promise<SessionSummary>
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
    createSession: async (given, options = {}) => {
      const input = parseInput(sessionInput, given, 'createSession')
      await ready()
      const scope = { delegation: input.delegation }
      const creating = once(['createSession'], input, newId('ses'), options)
      const { id, secret } = await creating.run(store, scope, (state, now, made) => {
        const { tokenHash } = sessionToken(made.id, made.secret)
        return created(state, { id: made.id, tokenHash }, input, now)
      })
      const { token, tokenHash } = sessionToken(id, secret)
      guard.strangers.know(tokenHash)
      const { expiresAt } = (await readSession(store, id)).session
      return { id, token, expiresAt: new Date(expiresAt).toISOString() }
    },
    revokeSession: async (id, options) => {
      await ready()
      return end(store, id, 'session-revoked', options, {})
    },
    unlockSession: async (id, { idempotencyKey, ...options } = {}) => {
      await ready()
      return end(store, id, 'session-unlocked', options, { idempotencyKey })
    },
    changeSession: async (given, change, options = {}) => {
      const id = parseInput(nameField, given, 'changeSession: session')
      const input = parseInput(sessionChangeInput, change, 'changeSession')
      await ready()
      const changing = once(['changeSession', id], input, id, options)
      await changing.run(store, { session: id }, (state, now) => {
        if (!state.session) throw unknown('session', id)
        return changedSession(state, input, now)
      })
      return summaryOfSession(await readSession(store, id), store.now())
    },
    exposure: async (given = {}) => {
      const filter = parseInput(ownerInput, given, 'exposure')
      await ready()
      return exposureOf(guard, filter)
    },
    cancel: async (target, options) => {
      await ready()
      return cancelExposed(guard, { by: 'manager' }, target, options)
    },
    session: async (given) => {
      const id = parseInput(nameField, given, 'session')
      await ready()
      return summaryOfSession(await readSession(store, id), store.now())
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
      return { ...found, rows: await summariesOfSessions(store, found.rows) }
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
  return newSession(delegation, {
    ...identity,
    ...(input.payer === undefined ? {} : { payer: input.payer }),
    limits: input.limits,
    ...(input.merchants ? { merchants: input.merchants } : {}),
    ...(input.ask ? { ask: input.ask } : {}),
    repeatAfterMs: input.repeatAfter ?? DEFAULT_REPEAT_AFTER_MS,
    createdAt: now,
    expiresAt,
  })
}

function liveDelegation(state: LedgerState, id: string, now: number): Delegation {
  if (!state.delegation) throw unknown('delegation', id)
  const end = delegationEnd(state.delegation, now)
  if (end) throw new BursarError(end, `createSession: delegation: ${id} has ended.`)
  if (state.delegation.permission?.state === 'requested') {
    const text = `createSession: delegation: the provider has not granted the permission of ${id} yet.`
    throw new BursarError('permission_unavailable', text)
  }
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
  options: { readonly reason?: string } | undefined,
  onceOptions: OnceOptions,
): Promise<SessionSummary> {
  const id = parseInput(nameField, given, type)
  const { reason } = parseInput(reasonInput, options === undefined ? {} : options, type)
  const ending = once([type, id], { reason }, id, onceOptions)
  await ending.run(store, { session: id }, (state, now) => {
    if (!state.session) throw unknown('session', id)
    const session =
      type === 'session-revoked' ? revoked(state.session, now) : unlocked(state.session)
    if (session === state.session) return { result: undefined, events: [] }
    const { delegation } = session
    const event = { type, session: id, delegation, ...(reason === undefined ? {} : { reason }) }
    return { result: undefined, sessions: [session], events: [event] }
  })
  return summaryOfSession(await readSession(store, id), store.now())
}

async function readSession(
  store: Store,
  id: string,
): Promise<LedgerState & { readonly session: Session }> {
  const state = await store.read({ session: id })
  const { session } = state
  if (!session) throw unknown('session', id)
  return { ...state, session }
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
