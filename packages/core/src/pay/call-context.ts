import type { Span } from '@opentelemetry/api'
import { spendableMicro } from '../ledger/accounts.ts'
import type { Denial } from '../ledger/denial.ts'
import type { Scope } from '../ledger/ledger-state.ts'
import type { PayingState } from '../ledger/paying-state.ts'
import { isOpen, type Payment } from '../ledger/payment.ts'
import { countRefusal } from '../rules/decide.ts'
import type { Money, PayResult } from '../session/pay-result.ts'
import type { PayGuard } from './pay-state.ts'
import type { ParsedCall, ResourceRequest } from './request.ts'
import { deniedResult, earlierResult, money } from './results.ts'

/** What a refusal is recorded with. */
export interface Visit {
  readonly guard: PayGuard
  readonly state: PayingState
  readonly key: string | undefined
  /** The credential that came with the token: whether it is still good, the commit judges again. */
  readonly payer: string | undefined
  readonly request: ResourceRequest | undefined
  readonly ignored: readonly string[]
  /** False once a session calls too often: then only the first refusal is recorded. */
  readonly recorded: boolean
  readonly call: ParsedCall
  readonly active: Span
}

/** A call whose session is alive, and whose request can be read. */
export interface OpenVisit extends Visit {
  readonly request: ResourceRequest
}

/** The answer of a payment that was made before, as it stands now. */
export async function replay(visit: Visit, known: Payment): Promise<PayResult> {
  const { store } = visit.guard
  // The call that led may have ended since this one has read what it knows; proof alone is no end of it.
  const newest = isOpen(known) ? (await store.read({ payment: known.id })).payment : known
  const payment = newest?.delivery ? newest : known
  return earlierResult(payment, await store.content(payment.id), remainingOf(visit))
}

/** A refusal before the reserving commit: recorded soon, and answered at once. */
export function refuse(visit: Visit, denial: Denial): PayResult {
  const { guard, state, key, request, ignored, recorded } = visit
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
        keys: request ? countRefusal(newest, { hash: request.hash, key }, denial) : [],
        events: [event],
      }),
      'soon',
    )
    guard.background.run('record a refusal', recording)
  }
  return deniedResult(denial, remainingOf(visit))
}

/** What a call's reads and commits are about. */
export function scopeOf(
  visit: Pick<Visit, 'key' | 'payer'> &
    ({ readonly session: string } | { readonly state: PayingState }),
  request: ResourceRequest | undefined,
): Scope {
  const session = 'session' in visit ? visit.session : visit.state.session.id
  return {
    session,
    ...(visit.key === undefined ? {} : { key: visit.key }),
    ...(visit.payer === undefined ? {} : { credential: visit.payer }),
    ...(request ? { requestHash: request.hash, host: request.url.host } : {}),
  }
}

/** What was left when the call began. */
export function remainingOf(visit: Visit): Money {
  const { session } = visit.state
  return money(spendableMicro(visit.state), session.limits.currency)
}
