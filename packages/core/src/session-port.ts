import { openedChild } from './child-session.ts'
import { BursarError } from './errors.ts'
import type { Guard } from './guard.ts'
import { type Holder, holds, ownState } from './holder.ts'
import { newId } from './id.ts'
import { parseInput } from './input.ts'
import { once } from './once.ts'
import { pay, quote } from './pay.ts'
import type { SessionStatus } from './pay-result.ts'
import { PaymentSession, type SessionPort } from './payment-session.ts'
import { conclude, prove } from './prove.ts'
import { childInput } from './session.ts'
import { summaryOfSession } from './session-summary.ts'
import type { Change, LedgerState } from './store.ts'
import { sessionToken } from './token.ts'
import { rootOf } from './transition.ts'

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
    prove: async (challenge, call) => {
      await ready()
      return prove(guard, holder, challenge, call)
    },
    conclude: async (paymentId, message) => {
      await ready()
      return conclude(guard, holder, paymentId, message)
    },
    status: async () => {
      await ready()
      const state = await ownState(guard, holder)
      return statusOf(state, holder, guard.store.now())
    },
    openChild: async (given, options = {}) => {
      const input = parseInput(childInput, given, 'openChild')
      await ready()
      await assertMayOpen(guard, holder)
      const opening = once(['openChild', holder.session], input, newId('ses'), options)
      const scope = { session: holder.session, ...credentialOf(holder) }
      const { id, secret } = await opening.run(guard.store, scope, (state, now, made) => {
        const { tokenHash } = sessionToken(made.id, made.secret)
        return openedChild(state, { id: made.id, tokenHash }, input, now)
      })
      const { token, tokenHash } = sessionToken(id, secret)
      const payer = input.payer ?? holder.payer
      guard.strangers.know(tokenHash)
      const session = new PaymentSession(
        id,
        embeddedPort(guard, ready, { session: id, tokenHash, payer }),
      )
      return { session, token }
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

/** What tells the commit whether the holder's credential is still good. */
function credentialOf({ payer }: Holder): { readonly credential?: string } {
  return payer === undefined ? {} : { credential: payer }
}

/** Opening children is bounded like every other call of the session: each one is kept for ever. */
async function assertMayOpen(guard: Guard, holder: Holder): Promise<void> {
  const state = await ownState(guard, holder)
  if (!state) {
    throw new BursarError('session_unknown', 'openChild: the token belongs to no session.')
  }
  if (guard.sessionRate.take(rootOf(state), guard.store.now()) !== 'within') {
    throw new BursarError('request_rate_exceeded', 'openChild: the session calls too often.')
  }
}

function statusOf(ledger: LedgerState | undefined, holder: Holder, now: number): SessionStatus {
  if (!ledger) return { id: holder.session, state: 'unknown' }
  const { id, state, settled, held, remaining, payments, limits, expiresAt } = summaryOfSession(
    ledger,
    now,
  )
  const { currency, total } = limits
  return { id, state, currency, total, settled, held, remaining, payments, expiresAt }
}

function closed(state: LedgerState, holder: Holder, now: number): Change<undefined> {
  const { session } = state
  if (!session || !holds(holder, session) || session.closedAt !== undefined)
    return { result: undefined, events: [] }
  return {
    result: undefined,
    sessions: [{ ...session, closedAt: now }],
    events: [{ type: 'session-closed', session: session.id, delegation: session.delegation }],
  }
}
