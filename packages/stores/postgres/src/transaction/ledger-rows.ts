import type {
  Approval,
  Credential,
  Delegation,
  EndUserAccount,
  KeyRecord,
  KnownMerchant,
  MerchantUsage,
  Operation,
  Payment,
  RegisteredInstrument,
  Session,
} from '@bursar/core'
import { endUserAccountId } from '@bursar/core/store'
import { planKey, planMerchantUsage, planName, planOwnTwin, planTerms } from './load-plan.ts'
import { type RowCache, rowCache } from './row-cache.ts'
import { endUserOfAccountId, merchantUsageId, pairId, splitPairId } from './row-ids.ts'

/** The rows of the ledger that a transaction has loaded and changed, and which of them are the latest. */
export interface LedgerRows {
  readonly delegations: RowCache<Delegation>
  readonly sessions: RowCache<Session>
  readonly payments: RowCache<Payment>
  readonly keys: RowCache<KeyRecord>
  readonly merchants: RowCache<KnownMerchant>
  readonly instruments: RowCache<RegisteredInstrument>
  /** The accounts of end users, by the end user's name. */
  readonly endUsers: RowCache<EndUserAccount>
  readonly merchantUsages: RowCache<MerchantUsage>
  readonly approvals: RowCache<Approval>
  readonly credentials: RowCache<Credential>
  readonly operations: RowCache<Operation>
  readonly grants: RowCache<GrantedDelegations>
  readonly twins: RowCache<Twin>
  readonly ownTwins: RowCache<OwnTwin>
  readonly latestApprovals: RowCache<LatestApproval>
  readonly recentApprovals: RowCache<RecentApprovals>
}

/** The delegations of an end user, oldest first. */
export interface GrantedDelegations {
  readonly endUser: string
  readonly delegations: readonly string[]
}

/** The latest payment for a request in a delegation. */
export interface Twin {
  readonly delegation: string
  readonly requestHash: string
  readonly payment: string
}

/** The latest payment for a request in a session. */
export interface OwnTwin {
  readonly session: string
  readonly requestHash: string
  readonly payment: string
}

/** The latest approval of some terms in a session. */
export interface LatestApproval {
  readonly session: string
  readonly termsHash: string
  readonly approval: string
}

/** The newest approvals of a root session and of all sessions below it, newest first. */
export interface RecentApprovals {
  readonly root: string
  readonly approvals: readonly string[]
}

/** Returns the rows of a transaction that has not loaded any. */
export function emptyLedgerRows(): LedgerRows {
  return { ...accountRows(), ...paymentRows(), ...approvalRows(), ...serviceRows() }
}

function accountRows(): Pick<
  LedgerRows,
  'delegations' | 'sessions' | 'endUsers' | 'grants' | 'merchantUsages'
> {
  return {
    delegations: rowCache({
      noun: 'delegation',
      id: ({ id }) => id,
      plan: ({ accounts }, id) => accounts.add(id),
    }),
    sessions: rowCache({
      noun: 'session',
      id: ({ id }) => id,
      plan: ({ accounts }, id) => accounts.add(id),
    }),
    endUsers: rowCache({
      noun: 'end user',
      id: ({ endUser }) => endUser,
      plan: ({ accounts }, endUser) => accounts.add(endUserAccountId(endUser)),
    }),
    grants: rowCache({
      noun: 'end user',
      id: ({ endUser }) => endUser,
      plan: ({ endUsers }, endUser) => endUsers.add(endUser),
    }),
    merchantUsages: rowCache({
      noun: 'merchant',
      id: ({ account, host, payee }) => merchantUsageId(account, host, payee),
      plan(plan, id) {
        const [account = '', host = '', payee = ''] = id.split(' ')
        const endUser = endUserOfAccountId(account)
        const owner = endUser === undefined ? { session: account } : { endUser }
        planMerchantUsage(plan, { ...owner, host, payee })
      },
    }),
  }
}

function paymentRows(): Pick<LedgerRows, 'payments' | 'keys' | 'merchants' | 'twins' | 'ownTwins'> {
  return {
    payments: rowCache({
      noun: 'payment',
      id: ({ id }) => id,
      plan: ({ payments }, id) => payments.add(id),
    }),
    keys: rowCache({
      noun: 'key',
      id: ({ session, key }) => pairId(session, key),
      plan(plan, id) {
        const [session, key] = splitPairId(id)
        plan.accounts.add(session)
        planKey(plan, { session, key })
      },
    }),
    merchants: rowCache({
      noun: 'merchant',
      id: ({ delegation, host }) => pairId(delegation, host),
      plan(plan, id) {
        const [account, name] = splitPairId(id)
        plan.accounts.add(account)
        planName(plan.merchants, { account, name })
      },
    }),
    twins: rowCache({
      noun: 'request',
      id: ({ delegation, requestHash }) => pairId(delegation, requestHash),
      plan(plan, id) {
        const [account, name] = splitPairId(id)
        plan.accounts.add(account)
        planName(plan.twins, { account, name })
      },
    }),
    ownTwins: rowCache({
      noun: 'request',
      id: ({ session, requestHash }) => pairId(session, requestHash),
      plan(plan, id) {
        const [session, requestHash] = splitPairId(id)
        plan.accounts.add(session)
        planOwnTwin(plan, { session, requestHash })
      },
    }),
  }
}

function approvalRows(): Pick<LedgerRows, 'approvals' | 'latestApprovals' | 'recentApprovals'> {
  return {
    approvals: rowCache({
      noun: 'approval',
      id: ({ id }) => id,
      plan: ({ approvals }, id) => approvals.add(id),
    }),
    latestApprovals: rowCache({
      noun: 'terms',
      id: ({ session, termsHash }) => pairId(session, termsHash),
      plan(plan, id) {
        const [session, termsHash] = splitPairId(id)
        plan.accounts.add(session)
        planTerms(plan, { session, termsHash })
      },
    }),
    recentApprovals: rowCache({
      noun: 'session',
      id: ({ root }) => root,
      plan(plan, root) {
        plan.accounts.add(root)
        planTerms(plan, { session: root, termsHash: '' })
      },
    }),
  }
}

function serviceRows(): Pick<LedgerRows, 'instruments' | 'credentials' | 'operations'> {
  return {
    instruments: rowCache({
      noun: 'instrument',
      id: ({ handle }) => handle,
      plan: ({ instruments }, handle) => instruments.add(handle),
    }),
    credentials: rowCache({
      noun: 'credential',
      id: ({ id }) => id,
      plan: ({ credentials }, id) => credentials.add(id),
    }),
    operations: rowCache({
      noun: 'operation',
      id: ({ id }) => id,
      plan: ({ operations }, id) => operations.add(id),
    }),
  }
}
