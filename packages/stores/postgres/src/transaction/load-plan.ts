import type { Scope } from '@bursar/core'
import { endUserAccountId } from '@bursar/core/store'
import type { TermsName } from '../tables/approval-table.ts'
import type { KeyName } from '../tables/key-table.ts'
import type { NameInDelegation } from '../tables/merchant-table.ts'
import type { MerchantUsageName } from '../tables/merchant-usage-table.ts'
import type { RequestName } from '../tables/payment-table.ts'
import { pairId } from './row-ids.ts'

/** The rows that a transaction loads. A session brings its ancestors and its delegation. */
export interface LoadPlan {
  readonly accounts: Set<string>
  readonly payments: Set<string>
  readonly keys: Map<string, KeyName>
  /** The request hashes of which the delegation's latest payment is loaded. */
  readonly twins: Map<string, NameInDelegation>
  /** The request hashes of which the session's own latest payment is loaded. */
  readonly ownTwins: Map<string, RequestName>
  readonly merchants: Map<string, NameInDelegation>
  readonly instruments: Set<string>
  /** The end users whose account and delegations are loaded. */
  readonly endUsers: Set<string>
  readonly merchantUsages: Map<string, MerchantUsageName>
  readonly approvals: Set<string>
  readonly credentials: Set<string>
  readonly operations: Set<string>
  /** The terms of which the session's approvals are loaded. */
  readonly terms: Map<string, TermsName>
}

/** The traits of a ledger that a store has observed. */
export interface LedgerTraits {
  /**
   * Whether an account has limits for each merchant. From then on merchant usages are loaded with
   * everything else; before, a load does not ask for them.
   */
  hasMerchantLimits: boolean
}

/** Returns the plan that loads all rows that some scopes name, each once. */
export function planLoad(scopes: readonly Scope[], traits: LedgerTraits): LoadPlan {
  const plan: LoadPlan = {
    accounts: new Set(),
    payments: new Set(),
    keys: new Map(),
    twins: new Map(),
    ownTwins: new Map(),
    merchants: new Map(),
    instruments: new Set(),
    endUsers: new Set(),
    merchantUsages: new Map(),
    approvals: new Set(),
    credentials: new Set(),
    operations: new Set(),
    terms: new Map(),
  }
  for (const scope of scopes) {
    planScope(plan, scope)
    if (traits.hasMerchantLimits) planMerchantUsage(plan, scope)
  }
  return plan
}

function planScope(plan: LoadPlan, scope: Scope): void {
  const { session, delegation, payment, key, requestHash, host, instrument, endUser } = scope
  const { approval, termsHash, credential, operation } = scope
  const account = delegation ?? session
  if (session !== undefined) plan.accounts.add(session)
  if (delegation !== undefined) plan.accounts.add(delegation)
  if (payment !== undefined) plan.payments.add(payment)
  if (session !== undefined && key !== undefined) planKey(plan, { session, key })
  if (requestHash !== undefined) planName(plan.twins, { account, payment, name: requestHash })
  if (host !== undefined) planName(plan.merchants, { account, payment, name: host })
  if (instrument !== undefined) plan.instruments.add(instrument)
  if (endUser !== undefined) plan.endUsers.add(endUser)
  if (approval !== undefined) plan.approvals.add(approval)
  if (session !== undefined && termsHash !== undefined) planTerms(plan, { session, termsHash })
  if (credential !== undefined) plan.credentials.add(credential)
  if (operation !== undefined) plan.operations.add(operation)
}

/** Adds what was spent at the merchant of a scope, if the scope names one. */
export function planMerchantUsage(
  { merchantUsages }: LoadPlan,
  { session, delegation, endUser, payment, host, payee }: Scope,
): void {
  if (host === undefined || payee === undefined) return
  const ofEndUser = endUser === undefined ? undefined : endUserAccountId(endUser)
  const account = session ?? delegation ?? ofEndUser
  const id = `${account ?? ''} ${payment ?? ''} ${host} ${payee}`
  merchantUsages.set(id, { account, payment, host, payee })
}

/** Adds an idempotency key. */
export function planKey({ keys }: LoadPlan, name: KeyName): void {
  keys.set(pairId(name.session, name.key), name)
}

/** Adds a request of which a session's own latest payment is loaded. */
export function planOwnTwin({ ownTwins }: LoadPlan, name: RequestName): void {
  ownTwins.set(pairId(name.session, name.requestHash), name)
}

/** Adds the approvals of some terms. */
export function planTerms({ terms }: LoadPlan, name: TermsName): void {
  terms.set(pairId(name.session, name.termsHash), name)
}

/** Adds a name within a delegation, unless nothing says which delegation. */
export function planName(names: Map<string, NameInDelegation>, name: NameInDelegation): void {
  if (name.account === undefined && name.payment === undefined) return
  names.set(`${name.account ?? ''} ${name.payment ?? ''} ${name.name}`, name)
}
