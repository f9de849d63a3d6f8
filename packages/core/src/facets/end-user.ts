import type { Guard } from '../guard/guard.ts'
import {
  type DelegationInput,
  delegationInput,
  revokedDelegation,
  unknownDelegation,
} from '../ledger/delegation.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { OnceOptions } from '../ledger/operation.ts'
import { type LimitsInput, limitsInput } from '../money/limits.ts'
import type { Page, PageRequest, Store } from '../ports/store.ts'
import { nameField, pageInput, parseInputFields, reasonInput } from '../primitives/fields.ts'
import { limitEndUser } from '../rules/end-user-limits.ts'
import { allowRepeat } from '../rules/repeat-permission.ts'
import {
  type Cancellation,
  type CancelOptions,
  type CancelTarget,
  cancelExposedPayments,
} from '../settlement/cancellation.ts'
import { type Exposure, readExposure } from '../settlement/exposure.ts'
import {
  type DelegationSummary,
  type EndUserSummary,
  summarizeDelegationAccount,
  summarizeEndUserAccount,
} from '../views/account-summary.ts'
import { type PaymentSummary, summarizePayment } from '../views/payment-summary.ts'
import { type SessionSummary, summarizeSessions } from '../views/session-summary.ts'
import { type Approvals, createApprovals } from './approvals.ts'
import { grantDelegation, readDelegation } from './delegation-grant.ts'
import { type Funding, readFunding } from './funding.ts'
import { readAtProvider, withdrawAtProvider } from './provider-permission.ts'

/** A facet for one end user, who may do everything with their own rows and read no others. */
export interface EndUser extends Approvals {
  /**
   * Gives an agent permission to spend from an instrument of this end user. Throws `invalid_input`,
   * `asset_unknown` if no asset in the limits' currency is known on any network of the guard,
   * `instrument_unknown` (also for another's instrument), or `instrument_unfunded` if the instrument holds
   * nothing in the limits' currency.
   *
   * If the instrument's provider has permissions of its own, the delegation gets one, and can be spent from
   * once the provider has granted it. Throws `permission_unavailable` if the provider does not grant it: the
   * delegation is then revoked, at once or after two minutes. Call again for another delegation.
   *
   * With a `name`, an equal grant returns the delegation that has the name, whatever became of it. Throws
   * `name_taken` with both values if the grants differ.
   */
  grantDelegation(input: DelegationInput, options?: OnceOptions): Promise<DelegationSummary>
  /**
   * Sets limits over every agent and delegation of this end user, until the next call. Earlier payments count
   * in the total and in the number of payments; in a window they count as if paid now, because their times
   * are not kept. Payments in another currency are refused from then on. Throws `invalid_input`, also if
   * the total is below the settled and held sum.
   */
  setLimits(limits: LimitsInput, options?: { readonly reason?: string }): Promise<EndUserSummary>
  /** Returns the limits of `setLimits` and the usage under them. Returns undefined if it was never called. */
  limits(): Promise<EndUserSummary | undefined>
  /**
   * Revokes a delegation: no payment is reserved under it after the call. Then asks the wallet's provider to
   * withdraw its own permission, and returns the outcome in `permission`. If that fails, `not_withdrawn` is
   * recorded, and the guard tries again on its timer and on each further call. Throws `delegation_unknown`.
   */
  revokeDelegation(
    delegation: string,
    options?: { readonly reason?: string },
  ): Promise<DelegationSummary>
  /**
   * Returns where this end user can pay money into their instrument. Throws `instrument_unknown`, and
   * `wallet_unavailable` if the provider can't be reached.
   */
  funding(instrument: string): Promise<Funding>
  /** Asks the wallet's provider for the permission of a delegation; `absent` also if it never had one. */
  readPermission(delegation: string): Promise<'granted' | 'absent'>
  /** Returns the payments that may be signed and are open: the most that can still move, and until when. */
  exposure(): Promise<Exposure>
  /**
   * Asks the rails to cancel signed payments: one payment, or all open ones of a session or a delegation of
   * this end user. A payment that settles first stays settled, and only proof ends a hold. Throws
   * `invalid_input`, and `payment_unknown`, `session_unknown` or `delegation_unknown` for a target that
   * doesn't exist or belongs to another end user.
   */
  cancel(target: CancelTarget, options?: CancelOptions): Promise<Cancellation>
  /**
   * Allows the request of an undelivered payment to be paid for once more: within 15 minutes, at the same
   * price or less, in the same delegation, and within all of its rules. Otherwise that request is answered
   * `undelivered` until the delegation ends. Throws `payment_unknown`, `payment_not_undelivered` if nothing
   * is known to be owed for the payment, and `payment_repeated` if its request was paid for again since.
   */
  allowAgain(payment: string, options?: { readonly reason?: string }): Promise<PaymentSummary>
  /** Lists this end user's delegations, oldest first. */
  delegations(page?: PageRequest): Promise<Page<DelegationSummary>>
  /** Lists the sessions of this end user's delegations, oldest first. */
  sessions(page?: PageRequest): Promise<Page<SessionSummary>>
  /** Lists this end user's payments, oldest first. */
  payments(page?: PageRequest): Promise<Page<PaymentSummary>>
}

/** Creates the facet of one end user. Throws `invalid_input` if the name can't be one. */
export function createEndUser(guard: Guard, ready: () => Promise<void>, name: string): EndUser {
  const endUser = parseInputFields(nameField, name, 'endUser')
  const { store } = guard
  return {
    grantDelegation: async (given, options = {}) => {
      const input = parseInputFields(delegationInput, given, 'grantDelegation')
      await ready()
      return grantDelegation(guard, endUser, input, options)
    },
    setLimits: async (given, options = {}) => {
      const limits = parseInputFields(limitsInput, given, 'setLimits')
      const { reason } = parseInputFields(reasonInput, options, 'setLimits')
      await ready()
      const account = await store.commit(
        { endUser },
        (state, now) => limitEndUser(state, endUser, limits, reason, now),
        'now',
      )
      return summarizeEndUserAccount(account)
    },
    limits: async () => {
      await ready()
      const { endUser: account } = await store.read({ endUser })
      return account && summarizeEndUserAccount(account)
    },
    revokeDelegation: async (given, options = {}) => {
      const delegation = parseInputFields(nameField, given, 'revokeDelegation')
      const { reason } = parseInputFields(reasonInput, options, 'revokeDelegation')
      await ready()
      const summary = await store.commit(
        { delegation },
        (state, now) => recordEndUserRevocation(state, delegation, endUser, reason, now),
        'now',
      )
      if (!summary.permission) return summary
      await withdrawAtProvider(guard, delegation)
      return summarizeDelegationAccount(await readDelegation(guard, delegation), store.now())
    },
    ...createEndUserProviderCalls(guard, ready, endUser),
    ...createApprovals(store, ready, endUser),
    ...createEndUserLists(store, ready, endUser),
    allowAgain: async (given, options = {}) => {
      const payment = parseInputFields(nameField, given, 'allowAgain: payment')
      const { reason } = parseInputFields(reasonInput, options, 'allowAgain')
      await ready()
      const requestHash = (await store.read({ payment })).payment?.terms.requestHash
      const allowed = await store.commit(
        { payment, ...(requestHash === undefined ? {} : { requestHash }) },
        (state, now) => allowRepeat(state, { payment, endUser, reason }, now),
        'now',
      )
      return summarizePayment(allowed)
    },
    exposure: async () => {
      await ready()
      return readExposure(guard, { endUser })
    },
    cancel: async (target, options) => {
      await ready()
      return cancelExposedPayments(guard, { by: 'end_user', endUser }, target, options)
    },
  }
}

/** Creates the methods that list an end user's rows. */
function createEndUserLists(
  store: Store,
  ready: () => Promise<void>,
  endUser: string,
): Pick<EndUser, 'delegations' | 'sessions' | 'payments'> {
  return {
    delegations: async (given = {}) => {
      const page = parseInputFields(pageInput, given, 'delegations')
      await ready()
      const found = await store.delegations({ endUser }, page)
      return {
        ...found,
        rows: found.rows.map((one) => summarizeDelegationAccount(one, store.now())),
      }
    },
    sessions: async (given = {}) => {
      const page = parseInputFields(pageInput, given, 'sessions')
      await ready()
      const found = await store.sessions({ endUser }, page)
      return { ...found, rows: await summarizeSessions(store, found.rows) }
    },
    payments: async (given = {}) => {
      const page = parseInputFields(pageInput, given, 'payments')
      await ready()
      const found = await store.payments({ endUser }, page)
      return { ...found, rows: found.rows.map(summarizePayment) }
    },
  }
}

/** Creates the methods that ask the provider of an end user's wallet. */
function createEndUserProviderCalls(
  guard: Guard,
  ready: () => Promise<void>,
  endUser: string,
): Pick<EndUser, 'funding' | 'readPermission'> {
  return {
    funding: async (given) => {
      const instrument = parseInputFields(nameField, given, 'funding: instrument')
      await ready()
      return readFunding(guard, endUser, instrument)
    },
    readPermission: async (given) => {
      const id = parseInputFields(nameField, given, 'readPermission: delegation')
      await ready()
      const delegation = await readDelegation(guard, id)
      if (delegation.endUser !== endUser) throw unknownDelegation(id)
      return readAtProvider(guard, delegation)
    },
  }
}

function recordEndUserRevocation(
  state: LedgerState,
  id: string,
  endUser: string,
  reason: string | undefined,
  now: number,
): Change<DelegationSummary> {
  const { delegation } = state
  if (delegation?.endUser !== endUser) throw unknownDelegation(id)
  if (delegation.revokedAt !== undefined) {
    return { result: summarizeDelegationAccount(delegation, now), events: [] }
  }
  const next = revokedDelegation(delegation, now)
  return {
    result: summarizeDelegationAccount(next, now),
    delegations: [next],
    events: [
      {
        type: 'delegation-revoked',
        delegation: id,
        endUser,
        ...(reason === undefined ? {} : { reason }),
      },
    ],
  }
}
