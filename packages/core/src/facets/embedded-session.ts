import { rootAccountOf } from '../ledger/accounts.ts'
import { sessionToken } from '../ledger/bearer-token.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { OnceOptions } from '../ledger/operation.ts'
import { type ChildInput, childInput } from '../ledger/session.ts'
import { pay, quotePayment } from '../pay/pay.ts'
import type { PayGuard } from '../pay/pay-state.ts'
import { conclude, prove } from '../pay/prove-and-conclude.ts'
import { type Holder, holdsToken, readTokenHolderState } from '../pay/token-holder.ts'
import { BursarError } from '../primitives/errors.ts'
import { parseInputFields } from '../primitives/fields.ts'
import { newId } from '../primitives/id.ts'
import { openChildSession } from '../rules/child-session.ts'
import type {
  Call,
  PayRequest,
  PayResult,
  ProveResult,
  QuoteResult,
  SessionStatus,
} from '../session/pay-result.ts'
import { type OpenedChild, PaymentSession, type SessionPort } from '../session/payment-session.ts'
import type { ToolChallenge } from '../session/tool-challenge.ts'
import { summarizeSession } from '../views/session-summary.ts'
import { prepareIdempotentOperation } from './idempotency.ts'

/** Creates the port of a session whose calls this process carries out. */
export function createEmbeddedPort(
  guard: PayGuard,
  ready: () => Promise<void>,
  holder: Holder,
): SessionPort {
  return new EmbeddedPort(guard, ready, holder)
}

/** A port as a class, so that many sessions share the memory of its methods. */
class EmbeddedPort implements SessionPort {
  readonly #guard: PayGuard
  readonly #ready: () => Promise<void>
  readonly #holder: Holder

  constructor(guard: PayGuard, ready: () => Promise<void>, holder: Holder) {
    this.#guard = guard
    this.#ready = ready
    this.#holder = holder
  }

  async pay(request: PayRequest, call: Call): Promise<PayResult> {
    await this.#ready()
    return pay(this.#guard, this.#holder, request, call)
  }

  async quote(request: PayRequest, call: Call): Promise<QuoteResult> {
    await this.#ready()
    return quotePayment(this.#guard, this.#holder, request, call)
  }

  async prove(challenge: ToolChallenge, call: Call): Promise<ProveResult> {
    await this.#ready()
    return prove(this.#guard, this.#holder, challenge, call)
  }

  async conclude(paymentId: string, message: unknown): Promise<PayResult> {
    await this.#ready()
    return conclude(this.#guard, this.#holder, paymentId, message)
  }

  async status(): Promise<SessionStatus> {
    await this.#ready()
    const state = await readTokenHolderState(this.#guard, this.#holder)
    return summarizeSessionStatus(state, this.#holder, this.#guard.store.now())
  }

  async openChild(given: ChildInput, options: OnceOptions = {}): Promise<OpenedChild> {
    const [guard, holder] = [this.#guard, this.#holder]
    const input = parseInputFields(childInput, given, 'openChild')
    await this.#ready()
    await assertEmbeddedChildAllowed(guard, holder)
    const opening = prepareIdempotentOperation(
      ['openChild', holder.session],
      input,
      newId('ses'),
      options,
    )
    const scope = { session: holder.session, ...embeddedCredentialScope(holder) }
    const { id, secret } = await opening.run(guard.store, scope, (state, now, made) => {
      const { tokenHash } = sessionToken(made.id, made.secret)
      return openChildSession(state, { id: made.id, tokenHash }, input, now)
    })
    const { token, tokenHash } = sessionToken(id, secret)
    const payer = input.payer ?? holder.payer
    guard.strangers.know(tokenHash)
    const child = { session: id, tokenHash, payer }
    return { session: new PaymentSession(id, createEmbeddedPort(guard, this.#ready, child)), token }
  }

  async close(): Promise<void> {
    await this.#ready()
    await this.#guard.store.commit(
      { session: this.#holder.session },
      (state, now) => closeSession(state, this.#holder, now),
      'now',
    )
  }
}

/** Returns the part of a scope that loads the holder's credential, so that the commit can check it. */
function embeddedCredentialScope({ payer }: Holder): { readonly credential?: string } {
  return payer === undefined ? {} : { credential: payer }
}

/** Checks that a session may open a child now. Children are counted as calls, because each is kept for ever. */
async function assertEmbeddedChildAllowed(guard: PayGuard, holder: Holder): Promise<void> {
  const state = await readTokenHolderState(guard, holder)
  if (!state) {
    throw new BursarError('session_unknown', 'openChild: the token belongs to no session.')
  }
  if (guard.sessionRate.take(rootAccountOf(state), guard.store.now()) !== 'within') {
    throw new BursarError('request_rate_exceeded', 'openChild: the session calls too often.')
  }
}

function summarizeSessionStatus(
  ledger: LedgerState | undefined,
  holder: Holder,
  now: number,
): SessionStatus {
  if (!ledger) return { id: holder.session, state: 'unknown' }
  const { id, state, settled, held, remaining, payments, limits, expiresAt } = summarizeSession(
    ledger,
    now,
  )
  const { currency, total } = limits
  return { id, state, currency, total, settled, held, remaining, payments, expiresAt }
}

function closeSession(state: LedgerState, holder: Holder, now: number): Change<undefined> {
  const { session } = state
  if (!session || !holdsToken(holder, session) || session.closedAt !== undefined)
    return { result: undefined, events: [] }
  return {
    result: undefined,
    sessions: [{ ...session, closedAt: now }],
    events: [{ type: 'session-closed', session: session.id, delegation: session.delegation }],
  }
}
