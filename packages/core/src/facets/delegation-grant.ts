import type { Guard } from '../guard/guard.ts'
import { type Delegation, type ParsedDelegation, unknownDelegation } from '../ledger/delegation.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { OnceOptions } from '../ledger/operation.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import { noUsage } from '../money/limits.ts'
import type { Store } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'
import { newId } from '../primitives/id.ts'
import {
  assertSameNamedGrant,
  delegationNameId,
  nameDelegation,
} from '../rules/named-delegation.ts'
import { type DelegationSummary, summarizeDelegationAccount } from '../views/account-summary.ts'
import { prepareIdempotentOperation } from './idempotency.ts'
import { grantAtProvider } from './provider-permission.ts'

/** Grants a delegation, or finds the one of its name. See `EndUser.grantDelegation`. */
export async function grantDelegation(
  guard: Guard,
  endUser: string,
  input: ParsedDelegation,
  options: OnceOptions,
): Promise<DelegationSummary> {
  const { store } = guard
  const named = await findNamedDelegation(store, { ...input, endUser })
  const id = named?.id ?? (await recordNewGrant(guard, endUser, input, options))
  const delegation = await readDelegation(guard, id)
  if (input.name !== undefined) assertSameNamedGrant(delegation, input)
  if (delegation.permission?.state !== 'requested') {
    return summarizeDelegationAccount(delegation, store.now())
  }
  await grantAtProvider(guard, delegation)
  return summarizeDelegationAccount(await readDelegation(guard, id), store.now())
}

/** Finds the delegation that has a name. Returns undefined if none has, and without a name. */
export async function findNamedDelegation(
  store: Pick<Store, 'read'>,
  {
    name,
    ...owner
  }: Pick<Delegation, 'endUser' | 'agent'> & { readonly name?: string | undefined },
): Promise<Delegation | undefined> {
  if (name === undefined) return undefined
  const { operation } = await store.read({ operation: delegationNameId(owner, name) })
  if (!operation?.subject) return undefined
  return (await store.read({ delegation: operation.subject })).delegation
}

/** Returns the delegation of an id. Throws `delegation_unknown`. */
export async function readDelegation({ store }: Guard, id: string): Promise<Delegation> {
  const { delegation } = await store.read({ delegation: id })
  if (!delegation) throw unknownDelegation(id)
  return delegation
}

/** Records a grant. Returns its delegation's id, or that of a call which took the name meanwhile. */
async function recordNewGrant(
  guard: Guard,
  endUser: string,
  input: ParsedDelegation,
  options: OnceOptions,
): Promise<string> {
  await assertGrantFunded(guard, endUser, input)
  const { instrument, name } = input
  const asksProvider = guard.instruments.get(instrument)?.permissions !== undefined
  const newest = newId('del')
  if (name === undefined) {
    const granting = prepareIdempotentOperation(
      ['grantDelegation', endUser],
      input,
      newest,
      options,
    )
    const { id } = await granting.run(guard.store, { instrument }, (state, now, made) =>
      recordGrant(state, made.id, endUser, input, asksProvider, now),
    )
    return id
  }
  // The name says which grant it is, so an idempotency key has nothing to add.
  const operation = delegationNameId({ endUser, agent: input.agent }, name)
  return guard.store.commit(
    { instrument, operation },
    (state, now): Change<string> => {
      if (state.operation?.subject) return { result: state.operation.subject, events: [] }
      const granted = recordGrant(state, newest, endUser, input, asksProvider, now)
      return { ...granted, result: newest, operations: [nameDelegation(granted.result, now)] }
    },
    'now',
  )
}

async function assertGrantFunded(
  guard: Guard,
  endUser: string,
  input: ParsedDelegation,
): Promise<void> {
  const { instrument, limits } = input
  if (guard.instruments.get(instrument)?.endUser !== endUser)
    throw unknownGrantInstrument(instrument)
  const address = await guard.instruments.address(instrument)
  const asked = guard.rails.flatMap((rail) =>
    guard.assets
      .filter(
        (asset) => asset.currency === limits.currency && rail.networks.includes(asset.network),
      )
      .map((asset) => rail.balance(asset, address)),
  )
  if (asked.length === 0) throw unknownGrantCurrency(guard, limits.currency)
  const balances = await Promise.allSettled(asked)
  if (balances.some((one) => one.status === 'fulfilled' && one.value > 0n)) return
  const failed = balances.find((one) => one.status === 'rejected')
  if (failed) {
    const cause: unknown = failed.reason
    const said = BursarError.isInstance(cause) ? ` ${cause.message}` : ''
    throw new BursarError(
      'wallet_unavailable',
      `grantDelegation: instrument: the balance of ${instrument} could not be read.${said}`,
      { cause },
    )
  }
  throw new BursarError(
    'instrument_unfunded',
    `grantDelegation: instrument: ${instrument} holds nothing in ${limits.currency}. Fund it first.`,
  )
}

function recordGrant(
  state: LedgerState,
  id: string,
  endUser: string,
  input: ParsedDelegation,
  asksProvider: boolean,
  now: number,
): Change<Delegation> {
  const { agent, name, instrument, limits, merchants, ask, consent } = input
  if (state.instrument?.endUser !== endUser) throw unknownGrantInstrument(instrument)
  const { how, reference } = consent
  const delegation: Delegation = {
    id,
    endUser,
    agent,
    ...(name === undefined ? {} : { name }),
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
        ...(name === undefined ? {} : { name }),
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

function unknownGrantInstrument(handle: string): BursarError {
  return new BursarError(
    'instrument_unknown',
    `grantDelegation: instrument: the end user has no instrument called ${handle}.`,
  )
}

/** Makes the error of a currency in which none of the guard's networks has a known asset. */
function unknownGrantCurrency({ rails }: Guard, currency: string): BursarError {
  const networks = rails.flatMap((rail) => rail.networks).join(', ')
  const text = `grantDelegation: limits.currency: no ${currency} asset is known on ${networks}. Name it in the option assets.`
  return new BursarError('asset_unknown', text)
}
