import {
  type Limits,
  type MerchantLimits,
  type MerchantUsage,
  noUsage,
  remainingMicro,
  type Usage,
} from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import type { Delegation } from './delegation.ts'
import type { EndUserAccount } from './end-user-account.ts'
import type { Change, LedgerState } from './ledger-state.ts'
import type { DelegatedState, PayingState } from './paying-state.ts'
import type { Terms } from './payment.ts'
import type { Session } from './session.ts'

/** The accounts that a payment is counted in above its sessions. */
export interface Owners {
  readonly delegation: Delegation
  readonly endUser?: EndUserAccount
  /** What those of them with per-merchant limits have spent at the payment's merchant. */
  readonly merchantUsages: readonly MerchantUsage[]
}

/** Every account that a payment is counted in. */
export interface Accounts extends Owners {
  readonly session: Session
  readonly ancestors: readonly Session[]
}

/** Every account that has a say about a payment of the session, nearest first. */
export function lineOf(state: PayingState): readonly (Session | Delegation | EndUserAccount)[] {
  const { session, ancestors, delegation, endUser } = state
  return [session, ...ancestors, delegation, ...(endUser ? [endUser] : [])]
}

/** The session at the top: those below it share its rates, and opening children multiplies none. */
export function rootOf({ session, ancestors }: PayingState): string {
  return ancestors.at(-1)?.id ?? session.id
}

/** Applies the same arithmetic to every account that a payment is counted in. */
export function mapAccounts(state: PayingState, terms: Terms, next: NextUsage): Accounts {
  const own: MerchantUsage[] = []
  const counted = counter(state, terms, next, own)
  const sessions = { session: counted(state.session), ancestors: state.ancestors.map(counted) }
  const { merchantUsages, ...owners } = mapOwners(state, terms, next)
  return { ...sessions, ...owners, merchantUsages: [...own, ...merchantUsages] }
}

/** The same for an archived payment, whose sessions have gone. */
export function mapOwners(state: DelegatedState, terms: Terms, next: NextUsage): Owners {
  const { delegation, endUser } = state
  const merchantUsages: MerchantUsage[] = []
  const counted = counter(state, terms, next, merchantUsages)
  // What was paid in another currency, before the end user set limits, was never counted there.
  const isCounted = endUser?.limits.currency === terms.currency
  return {
    delegation: counted(delegation),
    ...(endUser && isCounted ? { endUser: counted(endUser) } : {}),
    merchantUsages,
  }
}

/** Counts in an account, and adds what it has spent at the merchant, if that is limited, to a list. */
function counter(
  state: LedgerState,
  terms: Terms,
  next: NextUsage,
  merchantUsages: MerchantUsage[],
): <One extends Session | Delegation | EndUserAccount>(one: One) => One {
  return (one) => {
    const { perMerchant } = one.limits
    if (perMerchant) {
      const known = usageAt(state, one.id, terms)
      merchantUsages.push({ ...known, usage: next(perMerchant, known.usage) })
    }
    return { ...one, usage: next(one.limits, one.usage) }
  }
}

/** What an account with per-merchant limits has spent at the merchant of some terms. */
export function usageAt(
  { merchantUsages }: LedgerState,
  account: string,
  { host, payee }: Terms,
): MerchantUsage {
  if (!merchantUsages) {
    const message = 'What was spent at a merchant has to be loaded where it is limited.'
    throw new BursarError('invariant_broken', message)
  }
  const known = merchantUsages.find(
    (one) => one.account === account && one.host === host && one.payee === payee,
  )
  return known ?? { account, host, payee, usage: noUsage }
}
export type NextUsage = (limits: Limits | MerchantLimits, usage: Usage) => Usage
/** Accounts as the rows of a change. */
export function accountRows({
  session,
  ancestors,
  ...owners
}: Accounts): Pick<Change<unknown>, 'sessions' | 'delegations' | 'endUsers' | 'merchantUsages'> {
  return { sessions: [session, ...ancestors], ...ownerRows(owners) }
}

/** The same of accounts above the sessions. */
export function ownerRows({
  delegation,
  endUser,
  merchantUsages,
}: Owners): Pick<Change<unknown>, 'delegations' | 'endUsers' | 'merchantUsages'> {
  return {
    delegations: [delegation],
    ...(endUser ? { endUsers: [endUser] } : {}),
    ...(merchantUsages.length > 0 ? { merchantUsages } : {}),
  }
}

/** What can still be reserved: the least that any account has left. */
export function spendableMicro(state: PayingState): bigint {
  return lineOf(state)
    .map((one) => remainingMicro(one.limits, one.usage))
    .reduce((least, next) => (next < least ? next : least))
}
