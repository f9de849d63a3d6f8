import type { Guard } from '../guard/guard.ts'
import { sessionToken } from '../ledger/bearer-token.ts'
import type { LedgerState } from '../ledger/ledger-state.ts'
import type { OnceOptions } from '../ledger/operation.ts'
import {
  type ParsedSession,
  type Session,
  type SessionInput,
  sessionInput,
} from '../ledger/session.ts'
import type { Page, PageRequest, Store } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'
import {
  nameField,
  ownerInput,
  pageInput,
  parseInputFields,
  reasonInput,
} from '../primitives/fields.ts'
import { newId } from '../primitives/id.ts'
import { newSecret } from '../primitives/secret.ts'
import { createSession } from '../rules/created-session.ts'
import { openNamedSession, sessionNameId } from '../rules/named-session.ts'
import {
  applySessionChange,
  type SessionChangeInput,
  sessionChangeInput,
} from '../rules/session-change.ts'
import {
  type Cancellation,
  type CancelOptions,
  type CancelTarget,
  cancelExposedPayments,
} from '../settlement/cancellation.ts'
import { type Exposure, type ExposureFilter, readExposure } from '../settlement/exposure.ts'
import {
  type SessionSummary,
  summarizeSession,
  summarizeSessions,
} from '../views/session-summary.ts'
import { type Made, prepareIdempotentOperation } from './idempotency.ts'

/** A facet for the manager: creates, changes and ends sessions within delegations. It can never pay. */
export interface Management {
  /**
   * Creates a session within a delegation. Its token is returned once and never stored: give it to the agent's
   * process only. With a `name` it finds the session that the name opened before, and returns one more token.
   *
   * Throws `invalid_input`, `delegation_unknown`, `delegation_revoked`, `delegation_expired`, or
   * `permission_unavailable` if the wallet's provider has not granted its permission yet; and for a name
   * `name_taken` if it opened a session with another input, and `session_revoked` if that was revoked.
   */
  createSession(input: SessionInput, options?: OnceOptions): Promise<CreatedSession>
  /**
   * Revokes a session: no payment is reserved in it after the call. Payments that may be signed are still
   * reconciled. Throws `session_unknown`.
   */
  revokeSession(session: string, options?: { readonly reason?: string }): Promise<SessionSummary>
  /**
   * Narrows, raises or extends a session within its delegation. Throws `invalid_input`, also if the new total
   * is below the settled and held sum; `session_unknown`; and the code of a session or delegation that has
   * ended.
   */
  changeSession(
    session: string,
    change: SessionChangeInput,
    options?: OnceOptions,
  ): Promise<SessionSummary>
  /** Returns the payments that may be signed and are open: the most that can still move, and until when. */
  exposure(filter?: ExposureFilter): Promise<Exposure>
  /**
   * Asks the rails to cancel the signed payments of a session or a delegation that has ended: revoke it first, so
   * that no new ones follow. A payment that settles first stays settled, and only proof ends a hold. Throws
   * `invalid_input`, and the code of an unknown target.
   */
  cancel(target: CancelTarget, options?: CancelOptions): Promise<Cancellation>
  /** Unlocks a session that an overrun has locked. Throws `session_unknown`. */
  unlockSession(
    session: string,
    options?: { readonly reason?: string } & OnceOptions,
  ): Promise<SessionSummary>
  /** Returns one session. Throws `session_unknown`. */
  session(session: string): Promise<SessionSummary>
  /** Lists sessions, oldest first. */
  sessions(
    filter?: { readonly delegation?: string; readonly endUser?: string },
    page?: PageRequest,
  ): Promise<Page<SessionSummary>>
}

/** A session that was just created. */
export interface CreatedSession {
  /** The session's id. */
  readonly id: string
  /** The secret token of the session, for `openSession`. It is returned once and never stored. */
  readonly token: string
  /** The time at which the session expires. ISO 8601, UTC. */
  readonly expiresAt: string
}

/** Creates the manager's facet. */
export function createManagement(guard: Guard, ready: () => Promise<void>): Management {
  const { store } = guard
  return {
    createSession: async (given, options = {}) => {
      const input = parseInputFields(sessionInput, given, 'createSession')
      await ready()
      const { id, secret } =
        input.name === undefined
          ? await createUnnamedManagedSession(store, input, options)
          : await openManagedSessionByName(store, input, input.name)
      const { token, tokenHash } = sessionToken(id, secret)
      guard.strangers.know(tokenHash)
      const { expiresAt } = (await readManagedSession(store, id)).session
      return { id, token, expiresAt: new Date(expiresAt).toISOString() }
    },
    revokeSession: async (id, options) => {
      await ready()
      return endManagedSession(store, id, 'session-revoked', options, {})
    },
    unlockSession: async (id, { idempotencyKey, ...options } = {}) => {
      await ready()
      return endManagedSession(store, id, 'session-unlocked', options, { idempotencyKey })
    },
    changeSession: async (given, change, options = {}) => {
      const id = parseInputFields(nameField, given, 'changeSession: session')
      const input = parseInputFields(sessionChangeInput, change, 'changeSession')
      await ready()
      const changing = prepareIdempotentOperation(['changeSession', id], input, id, options)
      await changing.run(store, { session: id }, (state, now) => {
        if (!state.session) throw unknownManagedRow('session', id)
        return applySessionChange(state, input, now)
      })
      return summarizeSession(await readManagedSession(store, id), store.now())
    },
    exposure: async (given = {}) => {
      const filter = parseInputFields(ownerInput, given, 'exposure')
      await ready()
      return readExposure(guard, filter)
    },
    cancel: async (target, options) => {
      await ready()
      return cancelExposedPayments(guard, { by: 'manager' }, target, options)
    },
    session: async (given) => {
      const id = parseInputFields(nameField, given, 'session')
      await ready()
      return summarizeSession(await readManagedSession(store, id), store.now())
    },
    sessions: async (whose = {}, given = {}) => {
      const { delegation, endUser } = parseInputFields(ownerInput, whose, 'sessions')
      const page = parseInputFields(pageInput, given, 'sessions')
      const filter = {
        ...(delegation === undefined ? {} : { delegation }),
        ...(endUser === undefined ? {} : { endUser }),
      }
      await ready()
      const found = await store.sessions(filter, page)
      return { ...found, rows: await summarizeSessions(store, found.rows) }
    },
  }
}

async function createUnnamedManagedSession(
  store: Store,
  input: ParsedSession,
  options: OnceOptions,
): Promise<Made> {
  const creating = prepareIdempotentOperation(['createSession'], input, newId('ses'), options)
  return creating.run(store, { delegation: input.delegation }, (state, now, { id, secret }) =>
    createSession(state, { id, tokenHash: sessionToken(id, secret).tokenHash }, input, now),
  )
}

/**
 * Opens the session of a name. The name says which session it is, so an idempotency key has nothing to add. A
 * commit that finds that another call has given the name away meanwhile begins again.
 */
async function openManagedSessionByName(
  store: Store,
  input: ParsedSession,
  name: string,
): Promise<Made> {
  const { delegation } = await store.read({ delegation: input.delegation })
  if (!delegation) throw unknownManagedRow('delegation', input.delegation)
  const operation = sessionNameId(delegation, name)
  const [newest, secret] = [newId('ses'), newSecret()]
  for (;;) {
    const session = (await store.read({ operation })).operation?.subject
    const before = session === undefined ? undefined : await store.read({ session })
    const opened = await store.commit(
      { operation, delegation: input.delegation, ...(session === undefined ? {} : { session }) },
      (state, now) => {
        if (state.operation?.subject !== session) return { result: undefined, events: [] }
        const makeHash = (id: string): string => sessionToken(id, secret).tokenHash
        const given = { name, newest, makeHash, before: before?.delegation }
        return openNamedSession(state, given, input, now)
      },
      'now',
    )
    if (opened !== undefined) return { id: opened, secret }
  }
}

async function endManagedSession(
  store: Store,
  given: string,
  type: 'session-revoked' | 'session-unlocked',
  options: { readonly reason?: string } | undefined,
  onceOptions: OnceOptions,
): Promise<SessionSummary> {
  const id = parseInputFields(nameField, given, type)
  const { reason } = parseInputFields(reasonInput, options === undefined ? {} : options, type)
  const ending = prepareIdempotentOperation([type, id], { reason }, id, onceOptions)
  await ending.run(store, { session: id }, (state, now) => {
    if (!state.session) throw unknownManagedRow('session', id)
    const session =
      type === 'session-revoked'
        ? revokeManagedDelegation(state.session, now)
        : unlockManagedSession(state.session)
    if (session === state.session) return { result: undefined, events: [] }
    const { delegation } = session
    const event = { type, session: id, delegation, ...(reason === undefined ? {} : { reason }) }
    return { result: undefined, sessions: [session], events: [event] }
  })
  return summarizeSession(await readManagedSession(store, id), store.now())
}

async function readManagedSession(
  store: Store,
  id: string,
): Promise<LedgerState & { readonly session: Session }> {
  const state = await store.read({ session: id })
  const { session } = state
  if (!session) throw unknownManagedRow('session', id)
  return { ...state, session }
}

function revokeManagedDelegation(session: Session, now: number): Session {
  return session.revokedAt === undefined ? { ...session, revokedAt: now } : session
}

function unlockManagedSession(session: Session): Session {
  const { lockedAt, ...open } = session
  return lockedAt === undefined ? session : open
}

function unknownManagedRow(what: string, id: string): BursarError {
  return new BursarError(`${what}_unknown`, `There is no ${what} called ${id}.`)
}
