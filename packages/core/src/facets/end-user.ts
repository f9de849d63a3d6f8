import type { Guard } from '../guard/guard.ts'
import {
  type Delegation,
  type DelegationInput,
  delegationInput,
  type ParsedDelegation,
  revokedDelegation,
  unknownDelegation,
} from '../ledger/delegation.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { OnceOptions } from '../ledger/operation.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import { type LimitsInput, limitsInput, noUsage } from '../money/limits.ts'
import type { Page, PageRequest } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'
import { nameField, pageInput, parseInput, reasonInput } from '../primitives/fields.ts'
import { newId } from '../primitives/id.ts'
import { limitedEndUser } from '../rules/end-user-limits.ts'
import {
  type Cancellation,
  type CancelOptions,
  type CancelTarget,
  cancelExposed,
} from '../settlement/cancellation.ts'
import { type Exposure, exposureOf } from '../settlement/exposure.ts'
import {
  type DelegationSummary,
  type EndUserSummary,
  summaryOfDelegation,
  summaryOfEndUser,
} from '../views/account-summary.ts'
import { type PaymentSummary, summaryOfPayment } from '../views/payment-summary.ts'
import { type SessionSummary, summariesOfSessions } from '../views/session-summary.ts'
import { type Approvals, createApprovals } from './approvals.ts'
import { type Funding, fundingOf } from './funding.ts'
import { once } from './idempotency.ts'
import { grantAtProvider, readAtProvider, withdrawAtProvider } from './provider-permission.ts'

/** What one end user may do: everything on what is theirs, nothing on what is not. */
export interface EndUser extends Approvals {
  /**
   * Gives an agent permission to spend from an instrument of this end user. Throws `invalid_input`,
   * `instrument_unknown` (also for another's instrument) or `instrument_unfunded`: first funded,
   * then delegated, then spent.
   *
   * Where the instrument has permissions at its provider, the delegation gets one, and it can be spent
   * from when the provider has granted it. Throws `permission_unavailable` where it has not: then the
   * delegation is revoked, at once or after two minutes; ask anew.
   */
  grantDelegation(input: DelegationInput, options?: OnceOptions): Promise<DelegationSummary>
  /**
   * Sets what may be spent in all, over every agent and delegation of this end user, until it is set
   * again. What was spent before counts: all of it in the total and the number of payments, and in a
   * window as if it were paid now, because its time is not kept. Payments in another currency are
   * refused from then on. Throws `invalid_input`, also where the total is below what is committed.
   */
  setLimits(limits: LimitsInput, options?: { readonly reason?: string }): Promise<EndUserSummary>
  /** What `setLimits` allows, and what of it is used; `undefined` if it was never called. */
  limits(): Promise<EndUserSummary | undefined>
  /**
   * Withdraws the permission: after it has returned there is no new reservation. Then it asks the
   * wallet's provider to withdraw its own: `permission` says what came of it. `not_withdrawn` is recorded
   * and tried again, by the guard itself and by whoever revokes again.
   */
  revokeDelegation(
    delegation: string,
    options?: { readonly reason?: string },
  ): Promise<DelegationSummary>
  /**
   * Where this end user can put money into an instrument of theirs. Throws `instrument_unknown`, and
   * `wallet_unavailable` where its address or its link cannot be told now.
   */
  funding(instrument: string): Promise<Funding>
  /** Asks the wallet's provider for the permission of a delegation: `absent` also where it has none. */
  readPermission(delegation: string): Promise<'granted' | 'absent'>
  /** What may be signed and is still open: the most that can still move, and until when. */
  exposure(): Promise<Exposure>
  /**
   * Asks the rails to make unusable what was signed: one payment, or everything open of a session or
   * a permission of this end user. What is settled first stays settled, and only proof ends a
   * hold. Throws `invalid_input`, and the code of what is not known or not theirs.
   */
  cancel(target: CancelTarget, options?: CancelOptions): Promise<Cancellation>
  delegations(page?: PageRequest): Promise<Page<DelegationSummary>>
  sessions(page?: PageRequest): Promise<Page<SessionSummary>>
  payments(page?: PageRequest): Promise<Page<PaymentSummary>>
}

export function createEndUser(guard: Guard, ready: () => Promise<void>, name: string): EndUser {
  const endUser = parseInput(nameField, name, 'endUser')
  const { store } = guard
  return {
    grantDelegation: async (given, options = {}) => {
      const input = parseInput(delegationInput, given, 'grantDelegation')
      await ready()
      await assertOwnAndFunded(guard, endUser, input)
      const { permissions } = guard.instruments.get(input.instrument) ?? {}
      const granting = once(['grantDelegation', endUser], input, newId('del'), options)
      const scope = { instrument: input.instrument }
      const { id } = await granting.run(store, scope, (state, now, made) =>
        granted(state, made.id, endUser, input, permissions !== undefined, now),
      )
      const delegation = await readDelegation(guard, id)
      if (delegation.permission?.state !== 'requested') {
        return summaryOfDelegation(delegation, store.now())
      }
      await grantAtProvider(guard, delegation)
      return summaryOfDelegation(await readDelegation(guard, id), store.now())
    },
    setLimits: async (given, options = {}) => {
      const limits = parseInput(limitsInput, given, 'setLimits')
      const { reason } = parseInput(reasonInput, options, 'setLimits')
      await ready()
      const account = await store.commit(
        { endUser },
        (state, now) => limitedEndUser(state, endUser, limits, reason, now),
        'now',
      )
      return summaryOfEndUser(account)
    },
    limits: async () => {
      await ready()
      const { endUser: account } = await store.read({ endUser })
      return account && summaryOfEndUser(account)
    },
    revokeDelegation: async (given, options = {}) => {
      const delegation = parseInput(nameField, given, 'revokeDelegation')
      const { reason } = parseInput(reasonInput, options, 'revokeDelegation')
      await ready()
      const summary = await store.commit(
        { delegation },
        (state, now) => revoked(state, delegation, endUser, reason, now),
        'now',
      )
      if (!summary.permission) return summary
      await withdrawAtProvider(guard, delegation)
      return summaryOfDelegation(await readDelegation(guard, delegation), store.now())
    },
    ...atProvider(guard, ready, endUser),
    ...createApprovals(store, ready, endUser),
    exposure: async () => {
      await ready()
      return exposureOf(guard, { endUser })
    },
    cancel: async (target, options) => {
      await ready()
      return cancelExposed(guard, { by: 'end_user', endUser }, target, options)
    },
    delegations: async (given = {}) => {
      const page = parseInput(pageInput, given, 'delegations')
      await ready()
      const found = await store.delegations({ endUser }, page)
      return { ...found, rows: found.rows.map((one) => summaryOfDelegation(one, store.now())) }
    },
    sessions: async (given = {}) => {
      const page = parseInput(pageInput, given, 'sessions')
      await ready()
      const found = await store.sessions({ endUser }, page)
      return { ...found, rows: await summariesOfSessions(store, found.rows) }
    },
    payments: async (given = {}) => {
      const page = parseInput(pageInput, given, 'payments')
      await ready()
      const found = await store.payments({ endUser }, page)
      return { ...found, rows: found.rows.map(summaryOfPayment) }
    },
  }
}

/** What the wallet's provider is asked on behalf of its end user. */
function atProvider(
  guard: Guard,
  ready: () => Promise<void>,
  endUser: string,
): Pick<EndUser, 'funding' | 'readPermission'> {
  return {
    funding: async (given) => {
      const instrument = parseInput(nameField, given, 'funding: instrument')
      await ready()
      return fundingOf(guard, endUser, instrument)
    },
    readPermission: async (given) => {
      const id = parseInput(nameField, given, 'readPermission: delegation')
      await ready()
      const delegation = await readDelegation(guard, id)
      if (delegation.endUser !== endUser) throw unknownDelegation(id)
      return readAtProvider(guard, delegation)
    },
  }
}

async function readDelegation({ store }: Guard, id: string): Promise<Delegation> {
  const { delegation } = await store.read({ delegation: id })
  if (!delegation) throw unknownDelegation(id)
  return delegation
}

async function assertOwnAndFunded(
  guard: Guard,
  endUser: string,
  input: ParsedDelegation,
): Promise<void> {
  const { instrument, limits } = input
  if (guard.instruments.get(instrument)?.endUser !== endUser) throw unknownInstrument(instrument)
  const address = await guard.instruments.address(instrument)
  const asked = guard.rails.flatMap((rail) =>
    guard.assets
      .filter(
        (asset) => asset.currency === limits.currency && rail.networks.includes(asset.network),
      )
      .map((asset) => rail.balance(asset, address)),
  )
  const balances = await Promise.allSettled(asked)
  if (balances.some((one) => one.status === 'fulfilled' && one.value > 0n)) return
  const failed = balances.find((one) => one.status === 'rejected')
  if (failed) {
    throw new BursarError(
      'wallet_unavailable',
      `grantDelegation: instrument: the balance of ${instrument} could not be read.`,
      { cause: failed.reason },
    )
  }
  throw new BursarError(
    'instrument_unfunded',
    `grantDelegation: instrument: ${instrument} holds nothing in ${limits.currency}. Fund it first.`,
  )
}

function granted(
  state: LedgerState,
  id: string,
  endUser: string,
  input: ParsedDelegation,
  asksProvider: boolean,
  now: number,
): Change<Delegation> {
  const { agent, instrument, limits, merchants, ask, consent } = input
  if (state.instrument?.endUser !== endUser) throw unknownInstrument(instrument)
  const { how, reference } = consent
  const delegation: Delegation = {
    id,
    endUser,
    agent,
    instrument,
    limits,
    usage: noUsage,
    ...(merchants ? { merchants } : {}),
    ...(ask ? { ask } : {}),
    consent: reference === undefined ? { how } : { how, reference },
    createdAt: now,
    expiresAt: now + input.expiresIn,
    ...(asksProvider ? { permission: { state: 'requested' } } : {}),
  }
  return {
    result: delegation,
    delegations: [delegation],
    events: [
      {
        type: 'delegation-granted',
        delegation: id,
        endUser,
        agent,
        instrument,
        limits: recordedLimits(limits),
        ...(merchants ? { merchants } : {}),
        ...(ask ? { ask } : {}),
        consent: delegation.consent,
        expiresAt: delegation.expiresAt,
        ...(asksProvider ? { permission: 'requested' } : {}),
      },
    ],
  }
}

function revoked(
  state: LedgerState,
  id: string,
  endUser: string,
  reason: string | undefined,
  now: number,
): Change<DelegationSummary> {
  const { delegation } = state
  if (delegation?.endUser !== endUser) throw unknownDelegation(id)
  if (delegation.revokedAt !== undefined) {
    return { result: summaryOfDelegation(delegation, now), events: [] }
  }
  const next = revokedDelegation(delegation, now)
  return {
    result: summaryOfDelegation(next, now),
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

function unknownInstrument(handle: string): BursarError {
  return new BursarError(
    'instrument_unknown',
    `grantDelegation: instrument: the end user has no instrument called ${handle}.`,
  )
}
