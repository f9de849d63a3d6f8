import type { Approval } from '../ledger/approval.ts'
import type { Credential } from '../ledger/credential.ts'
import type { Delegation } from '../ledger/delegation.ts'
import type { EndUserAccount } from '../ledger/end-user-account.ts'
import type { LedgerState, RegisteredInstrument, Scope } from '../ledger/ledger-state.ts'
import type { KnownMerchant } from '../ledger/merchant.ts'
import type { Operation } from '../ledger/operation.ts'
import type { KeyRecord, Payment } from '../ledger/payment.ts'
import type { Session } from '../ledger/session.ts'
import type { MerchantUsage } from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'

/**
 * The look-ups that `loadState` needs, of the newest rows inside the transaction of the commit.
 * Each returns undefined, or an empty list, if there is no such row.
 */
export interface Lookups {
  session(id: string): Session | undefined
  delegation(id: string): Delegation | undefined
  payment(id: string): Payment | undefined
  /** Finds the record of an idempotency key within a session. */
  key(session: string, key: string): KeyRecord | undefined
  /** Finds the latest payment for a request within a delegation. */
  twin(delegation: string, requestHash: string): Payment | undefined
  /** Finds the latest payment for a request within a session. */
  ownTwin(session: Session, requestHash: string): Payment | undefined
  /** Finds what is known of a merchant within a delegation. */
  merchant(delegation: string, host: string): KnownMerchant | undefined
  /** Finds what an account has spent at a merchant. */
  merchantUsage(account: string, host: string, payee: string): MerchantUsage | undefined
  instrument(handle: string): RegisteredInstrument | undefined
  /** Finds the account of an end user by their name. */
  endUser(name: string): EndUserAccount | undefined
  /** Lists the delegations of an end user, oldest first. */
  delegationsOf(endUser: string): readonly Delegation[]
  approval(id: string): Approval | undefined
  /** Finds the latest approval of some terms within a session. */
  latestApproval(session: string, termsHash: string): Approval | undefined
  /** Lists the newest approvals of a root session, newest first, at most `MAX_RECENT_APPROVALS`. */
  recentApprovals(root: string): readonly Approval[]
  credential(id: string): Credential | undefined
  operation(id: string): Operation | undefined
}

/**
 * Returns the state of the ledger that a scope names, with every row that belongs to it.
 *
 * Synchronous: a store whose database answers later loads the rows first, and gives lookups into
 * them. A lookup may throw if its row was not loaded, to have the transaction run again with it.
 *
 * Throws `invariant_broken` if a session names a parent that is not there.
 *
 * @example
 * ```ts
 * import type { LedgerState, Scope } from '@bursar/core'
 * import { type Lookups, loadState } from '@bursar/core/store'
 *
 * export function readInTransaction(lookups: Lookups, scope: Scope): LedgerState {
 *   return loadState(lookups, scope)
 * }
 * ```
 */
export function loadState(lookups: Lookups, scope: Scope): LedgerState {
  const named = findLoadedRow(scope.payment, (id) => lookups.payment(id))
  const approval = findLoadedRow(scope.approval, (id) => lookups.approval(id))
  const session = findLoadedRow(scope.session ?? named?.session ?? approval?.session, (id) =>
    lookups.session(id),
  )
  const delegation = findLoadedRow(scope.delegation ?? session?.delegation, (id) =>
    lookups.delegation(id),
  )
  const endUser = findLoadedRow(delegation?.endUser ?? scope.endUser, (name) =>
    lookups.endUser(name),
  )
  const key = session && findLoadedRow(scope.key, (name) => lookups.key(session.id, name))
  const payment =
    scope.payment === undefined ? findLoadedRow(key?.payment, (id) => lookups.payment(id)) : named
  const merchant =
    delegation && findLoadedRow(scope.host, (host) => lookups.merchant(delegation.id, host))
  const instrument = findLoadedRow(scope.instrument, (handle) => lookups.instrument(handle))
  const credential = findLoadedRow(scope.credential, (id) => lookups.credential(id))
  const operation = findLoadedRow(scope.operation, (id) => lookups.operation(id))
  const ancestors = loadAncestors(lookups, session)
  return {
    ...(session && { session }),
    ancestors,
    ...(delegation && { delegation }),
    ...(endUser && { endUser }),
    ...(scope.endUser === undefined ? {} : { delegations: lookups.delegationsOf(scope.endUser) }),
    ...loadMerchantUsages(lookups, [session, ...ancestors, delegation, endUser], scope),
    ...(payment && { payment }),
    ...(key && { key }),
    ...loadTwins(lookups, delegation, session, scope),
    ...(merchant && { merchant }),
    ...(instrument && { instrument }),
    ...loadApprovals(lookups, approval, session, ancestors, scope),
    ...(credential && { credential }),
    ...(operation && { operation }),
  }
}

function findLoadedRow<Row>(
  name: string | undefined,
  lookup: (name: string) => Row | undefined,
): Row | undefined {
  return name === undefined ? undefined : lookup(name)
}

function loadAncestors(lookups: Lookups, session: Session | undefined): readonly Session[] {
  const ancestors: Session[] = []
  for (let next = session?.parent; next !== undefined; ) {
    const parent = lookups.session(next)
    if (!parent) {
      throw new BursarError('invariant_broken', `A session names the parent ${next}: not found.`)
    }
    ancestors.push(parent)
    next = parent.parent
  }
  return ancestors
}

/** Returns the usages of the accounts with limits for each merchant. */
function loadMerchantUsages(
  lookups: Lookups,
  accounts: readonly (Session | Delegation | EndUserAccount | undefined)[],
  { host, payee }: Scope,
): Pick<LedgerState, 'merchantUsages'> {
  if (host === undefined || payee === undefined) return {}
  const limited = accounts.filter((account) => account?.limits.perMerchant !== undefined)
  if (limited.length === 0) return {}
  return {
    merchantUsages: limited.flatMap(
      (account) => (account && lookups.merchantUsage(account.id, host, payee)) ?? [],
    ),
  }
}

/** Returns the latest payments for the request: the session's own only if the latest is another's. */
function loadTwins(
  lookups: Lookups,
  delegation: Delegation | undefined,
  session: Session | undefined,
  { requestHash }: Scope,
): Pick<LedgerState, 'twin' | 'ownTwin'> {
  if (!delegation || requestHash === undefined) return {}
  const twin = lookups.twin(delegation.id, requestHash)
  if (!twin || !session || twin.session === session.id) return twin ? { twin } : {}
  const ownTwin = lookups.ownTwin(session, requestHash)
  return { twin, ...(ownTwin && { ownTwin }) }
}

/** Returns the named approval, or else the latest one of the terms, and the newest ones of the root. */
function loadApprovals(
  lookups: Lookups,
  named: Approval | undefined,
  session: Session | undefined,
  ancestors: readonly Session[],
  { termsHash }: Scope,
): Pick<LedgerState, 'approval' | 'recentApprovals'> {
  if (!session || termsHash === undefined) return named ? { approval: named } : {}
  const approval = named ?? lookups.latestApproval(session.id, termsHash)
  const { id: root } = ancestors.at(-1) ?? session
  return { ...(approval && { approval }), recentApprovals: lookups.recentApprovals(root) }
}
