import type { Span } from '@opentelemetry/api'
import { spendableAccountMicro } from '../ledger/accounts.ts'
import type { Denial } from '../ledger/denial.ts'
import type { Scope } from '../ledger/ledger-state.ts'
import type { PayingState } from '../ledger/paying-state.ts'
import { isOpenPayment, owedPayment, type Payment } from '../ledger/payment.ts'
import type { Store } from '../ports/store.ts'
import { countDecidedRefusal } from '../rules/decide.ts'
import type { Money, PayResult } from '../session/pay-result.ts'
import type { PayGuard } from './pay-state.ts'
import type { ParsedCall, ResourceRequest } from './request.ts'
import { deniedResult, earlierResult, toResultMoney } from './results.ts'

/** The context of one call, from its token on: all that a refusal is recorded with. */
export interface CallContext {
  readonly guard: PayGuard
  readonly state: PayingState
  readonly key: string | undefined
  /** The credential that came with the token. The reserving commit checks again whether it is valid. */
  readonly payer: string | undefined
  readonly request: ResourceRequest | undefined
  readonly ignored: readonly string[]
  /** False if the session calls too often: then only the first refusal of a minute is recorded. */
  readonly recorded: boolean
  readonly call: ParsedCall
  readonly active: Span
}

/** A call whose session is open, and whose request was parsed. */
export interface OpenCall extends CallContext {
  readonly request: ResourceRequest
}

/** Answers with the present state of a payment that was made before. */
export async function replayPaymentOfCall(
  context: CallContext,
  known: Payment,
): Promise<PayResult> {
  const { store } = context.guard
  const payment = await readPaymentOfCall(store, known)
  // Sessions do not see each other's contents.
  const isOwn = payment.session === context.state.session.id
  const content = isOwn ? await store.content(payment.id) : undefined
  return earlierResult(payment, content, readRemainingForCall(context))
}

/** Returns the payment that answers for a known one: itself, or the one whose delivery is owed for it. */
async function readPaymentOfCall(store: Store, known: Payment): Promise<Payment> {
  const answering = owedPayment(known) ?? known.id
  const isItself = answering === known.id
  if (isItself && !isOpenPayment(known)) return known
  const { payment } = await store.read({ payment: answering })
  // The call of an open payment may have ended since it was read: a delivery shows that, proof does not.
  return payment && (!isItself || payment.delivery) ? payment : known
}

/** Refuses a call before the reserving commit: answers at once, and records the refusal soon. */
export function refuseCall(context: CallContext, denial: Denial): PayResult {
  const { guard, state, key, request, ignored, recorded } = context
  const { session, delegation } = state
  if (recorded) {
    const event = {
      type: 'payment-denied',
      session: session.id,
      delegation: delegation.id,
      code: denial.code,
      detail: denial.detail,
      ...(request
        ? {
            requestHash: request.hash,
            host: request.url.host,
            path: request.url.pathname,
            purpose: request.purpose,
          }
        : {}),
      ...(ignored.length === 0 ? {} : { ignoredArguments: ignored }),
    } as const
    const recording = guard.store.commit(
      { session: session.id, ...(key === undefined ? {} : { key }) },
      (newest) => ({
        result: undefined,
        keys: request ? countDecidedRefusal(newest, { hash: request.hash, key }, denial) : [],
        events: [event],
      }),
      'soon',
    )
    guard.background.run('record a refusal', recording)
  }
  return deniedResult(denial, readRemainingForCall(context))
}

/** Returns the scope of a call's reads and commits. */
export function callScope(
  context: Pick<CallContext, 'key' | 'payer'> &
    ({ readonly session: string } | { readonly state: PayingState }),
  request: ResourceRequest | undefined,
): Scope {
  const session = 'session' in context ? context.session : context.state.session.id
  return {
    session,
    ...(context.key === undefined ? {} : { key: context.key }),
    ...(context.payer === undefined ? {} : { credential: context.payer }),
    ...(request ? { requestHash: request.hash, host: request.url.host } : {}),
  }
}

/** Returns what was left when the call began. */
export function readRemainingForCall(context: CallContext): Money {
  const { session } = context.state
  return toResultMoney(spendableAccountMicro(context.state), session.limits.currency)
}
