import {
  type Limits,
  type MerchantLimits,
  type MerchantUsage,
  noUsage,
  remainingLimitMicro,
  type Usage,
} from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import type { Delegation } from './delegation.ts'
import type { EndUserAccount } from './end-user-account.ts'
import type { Change, LedgerState } from './ledger-state.ts'
import type { DelegatedState, PayingState } from './paying-state.ts'
import type { Terms } from './payment.ts'
import type { Session } from './session.ts'

/** The accounts above the sessions that a payment counts in. */
export interface Owners {
  readonly delegation: Delegation
  readonly endUser?: EndUserAccount
  /** The usage at the payment's merchant, for each of the accounts with per-merchant limits. */
  readonly merchantUsages: readonly MerchantUsage[]
}

/** The accounts that a payment counts in. */
export interface Accounts extends Owners {
  readonly session: Session
  readonly ancestors: readonly Session[]
}

/** Returns the accounts that bound a payment of the session, nearest first. */
export function accountLineOf(
  state: PayingState,
): readonly (Session | Delegation | EndUserAccount)[] {
  const { session, ancestors, delegation, endUser } = state
  return [session, ...ancestors, delegation, ...(endUser ? [endUser] : [])]
}

/** Returns the id of the topmost session, whose rate limits all sessions below it share. */
export function rootAccountOf({ session, ancestors }: PayingState): string {
  return ancestors.at(-1)?.id ?? session.id
}

/** Applies one change of usage to every account that a payment counts in. */
export function mapAccounts(state: PayingState, terms: Terms, next: NextUsage): Accounts {
  const own: MerchantUsage[] = []
  const counted = createAccountCounter(state, terms, next, own)
  const sessions = { session: counted(state.session), ancestors: state.ancestors.map(counted) }
  const { merchantUsages, ...owners } = mapOwnerAccounts(state, terms, next)
  return { ...sessions, ...owners, merchantUsages: [...own, ...merchantUsages] }
}

/** Applies one change of usage to the accounts above an archived payment, whose sessions are gone. */
export function mapOwnerAccounts(state: DelegatedState, terms: Terms, next: NextUsage): Owners {
  const { delegation, endUser } = state
  const merchantUsages: MerchantUsage[] = []
  const counted = createAccountCounter(state, terms, next, merchantUsages)
  // Payments in another currency, from before the end user set limits, were never counted there.
  const isCounted = endUser?.limits.currency === terms.currency
  return {
    delegation: counted(delegation),
    ...(endUser && isCounted ? { endUser: counted(endUser) } : {}),
    merchantUsages,
  }
}

/**
 * Returns a function that changes the usage of an account. If the account has per-merchant limits, its usage
 * at the payment's merchant is changed, too, and added to `merchantUsages`.
 */
function createAccountCounter(
  state: LedgerState,
  terms: Terms,
  next: NextUsage,
  merchantUsages: MerchantUsage[],
): <Account extends Session | Delegation | EndUserAccount>(account: Account) => Account {
  return (account) => {
    const { perMerchant } = account.limits
    if (perMerchant) {
      const known = accountUsageAt(state, account.id, terms)
      merchantUsages.push({ ...known, usage: next(perMerchant, known.usage) })
    }
    return { ...account, usage: next(account.limits, account.usage) }
  }
}

/**
 * Returns the usage of an account at the merchant of the terms. Throws `invariant_broken` if the state was
 * loaded without the usage at merchants.
 */
export function accountUsageAt(
  { merchantUsages }: LedgerState,
  account: string,
  { host, payee }: Terms,
): MerchantUsage {
  if (!merchantUsages) {
    const message = 'The usage at a merchant has to be loaded if it is limited.'
    throw new BursarError('invariant_broken', message)
  }
  const known = merchantUsages.find(
    (usage) => usage.account === account && usage.host === host && usage.payee === payee,
  )
  return known ?? { account, host, payee, usage: noUsage }
}

/** A change of usage, under the limits of the account or for the merchant. */
export type NextUsage = (limits: Limits | MerchantLimits, usage: Usage) => Usage

/** Returns the rows of a change for all accounts of a payment. */
export function accountRows({
  session,
  ancestors,
  ...owners
}: Accounts): Pick<Change<unknown>, 'sessions' | 'delegations' | 'endUsers' | 'merchantUsages'> {
  return { sessions: [session, ...ancestors], ...ownerAccountRows(owners) }
}

/** Returns the rows of a change for the accounts above the sessions. */
export function ownerAccountRows({
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

/** Returns the micro-units that can still be reserved: the least that any account has left. */
export function spendableAccountMicro(state: PayingState): bigint {
  return accountLineOf(state)
    .map(({ limits, usage }) => remainingLimitMicro(limits, usage))
    .reduce((least, next) => (next < least ? next : least))
}
