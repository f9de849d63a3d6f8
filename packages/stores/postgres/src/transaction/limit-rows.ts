import {
  type Delegation,
  type EndUserAccount,
  endUserAccountId,
  type LedgerState,
  type MerchantUsage,
  type Scope,
  type Session,
} from '@bursar/core'
import { wantUsage } from './load-plan.ts'
import { type Entries, entries } from './row-cache.ts'

/** Which delegations an end user has granted, oldest first. */
export interface Granted {
  readonly endUser: string
  readonly delegations: readonly string[]
}

/** The rows of end users' accounts, and of what was spent at single merchants. */
export interface LimitRows {
  /** Accounts of end users, by the end user's name. */
  readonly endUsers: Entries<EndUserAccount>
  readonly granted: Entries<Granted>
  readonly merchantUsages: Entries<MerchantUsage>
}

export function limitRows(): LimitRows {
  return {
    endUsers: entries<EndUserAccount>({
      noun: 'end user',
      id: ({ endUser }) => endUser,
      want: ({ accounts }, endUser) => accounts.add(endUserAccountId(endUser)),
    }),
    granted: entries<Granted>({
      noun: 'end user',
      id: ({ endUser }) => endUser,
      want: ({ endUsers }, endUser) => endUsers.add(endUser),
    }),
    merchantUsages: entries<MerchantUsage>({
      noun: 'merchant',
      id: ({ account, host, payee }) => usageId(account, host, payee),
      want(wanted, id) {
        const [account = '', host = '', payee = ''] = id.split(' ')
        const owner = endUserOf(account)
        const named = owner === undefined ? { session: account } : { endUser: owner }
        wantUsage(wanted, { ...named, host, payee })
      },
    }),
  }
}

/** Whose account an id names, if it is an end user's. */
export function endUserOf(account: string): string | undefined {
  const prefix = endUserAccountId('')
  return account.startsWith(prefix) ? account.slice(prefix.length) : undefined
}

/** What an account's spending at a merchant is found by: ids, hosts and payees have no spaces. */
export function usageId(account: string, host: string, payee: string): string {
  return `${account} ${host} ${payee}`
}

/** The delegations of the end user that a scope names. */
export function grantedOf(
  { granted, delegations }: LimitRows & { readonly delegations: Entries<Delegation> },
  { endUser }: Scope,
): Pick<LedgerState, 'delegations'> {
  if (endUser === undefined) return {}
  const ids = granted.find(endUser)?.value.delegations ?? []
  return { delegations: ids.map((id) => delegations.need(id).value) }
}

/** What the accounts with per-merchant limits have spent at the merchant that a scope names. */
export function usagesOf(
  { merchantUsages }: LimitRows,
  line: readonly (Pick<Session, 'id' | 'limits'> | undefined)[],
  { host, payee }: Scope,
): Pick<LedgerState, 'merchantUsages'> {
  if (host === undefined || payee === undefined) return {}
  const limited = line.flatMap((one) => (one?.limits.perMerchant ? [one.id] : []))
  if (limited.length === 0) return {}
  return {
    merchantUsages: limited.flatMap(
      (id) => merchantUsages.find(usageId(id, host, payee))?.value ?? [],
    ),
  }
}
