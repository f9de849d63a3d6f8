import { summaryOfSession } from './account-summary.ts'
import type { Guard } from './guard.ts'
import { type Holder, pay, quote } from './pay.ts'
import type { SessionStatus } from './pay-result.ts'
import type { SessionPort } from './payment-session.ts'
import type { Session } from './session.ts'
import type { Change, LedgerState } from './store.ts'
import { equalHashes } from './token.ts'

/** Carries out the calls of one session in this process. */
export function embeddedPort(
  guard: Guard,
  ready: () => Promise<void>,
  holder: Holder,
): SessionPort {
  return {
    pay: async (request, call) => {
      await ready()
      return pay(guard, holder, request, call)
    },
    quote: async (request, call) => {
      await ready()
      return quote(guard, holder, request, call)
    },
    status: async () => {
      await ready()
      const { session } = await guard.store.read({ session: holder.session })
      return statusOf(own(session, holder), holder, guard.store.now())
    },
    close: async () => {
      await ready()
      await guard.store.commit(
        { session: holder.session },
        (state, now) => closed(state, holder, now),
        'now',
      )
    },
  }
}

function own(session: Session | undefined, holder: Holder): Session | undefined {
  return session && equalHashes(session.tokenHash, holder.tokenHash) ? session : undefined
}

function statusOf(session: Session | undefined, holder: Holder, now: number): SessionStatus {
  if (!session) return { id: holder.session, state: 'unknown' }
  const { id, state, settled, held, remaining, payments, limits, expiresAt } = summaryOfSession(
    session,
    now,
  )
  const { currency, total } = limits
  return { id, state, currency, total, settled, held, remaining, payments, expiresAt }
}

function closed(state: LedgerState, holder: Holder, now: number): Change<undefined> {
  const session = own(state.session, holder)
  if (!session || session.closedAt !== undefined) return { result: undefined, events: [] }
  return {
    result: undefined,
    sessions: [{ ...session, closedAt: now }],
    events: [{ type: 'session-closed', session: session.id, delegation: session.delegation }],
  }
}
