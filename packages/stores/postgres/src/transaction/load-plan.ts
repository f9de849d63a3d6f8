import { endUserAccountId, type Scope } from '@bursar/core'

/** A key within a session. */
export interface WantedKey {
  readonly session: string
  readonly key: string
}

/** Something within a delegation, which is found by itself, by one of its sessions or payments. */
export interface WantedWithin {
  /** Id of the delegation or of a session. */
  readonly account?: string | undefined
  readonly payment?: string | undefined
  /** The request's hash, or the merchant's host. */
  readonly name: string
}

/** A merchant at which an account, and all that it draws from, may have spent. */
export interface WantedUsage {
  readonly account?: string | undefined
  readonly payment?: string | undefined
  readonly host: string
  readonly payee: string
}

/** The hash of some terms within a session. */
export interface WantedTerms {
  readonly session: string
  readonly termsHash: string
}

/** The hash of a request within a session. */
export interface WantedRequest {
  readonly session: string
  readonly requestHash: string
}

/** The rows that a transaction loads. A session brings its ancestors and its delegation. */
export interface Wanted {
  readonly accounts: Set<string>
  readonly payments: Set<string>
  readonly keys: Map<string, WantedKey>
  readonly twins: Map<string, WantedWithin>
  /** Requests of which a session's own latest payment is wanted. */
  readonly ownTwins: Map<string, WantedRequest>
  readonly merchants: Map<string, WantedWithin>
  readonly instruments: Set<string>
  /** End users whose account and delegations are wanted. */
  readonly endUsers: Set<string>
  /** Merchants at which what was spent is wanted. */
  readonly usages: Map<string, WantedUsage>
  readonly approvals: Set<string>
  readonly credentials: Set<string>
  readonly operations: Set<string>
  /** Terms for which a session's approvals are wanted. */
  readonly terms: Map<string, WantedTerms>
}

/**
 * What a store has learnt of its ledger: once an account with per-merchant limits was seen, what was
 * spent at merchants is loaded with everything else. Until then nobody pays for asking.
 */
export interface Learnt {
  perMerchant: boolean
}

/** What some scopes name, each row once. */
export function wantedBy(scopes: readonly Scope[], learnt: Learnt): Wanted {
  const wanted: Wanted = {
    accounts: new Set(),
    payments: new Set(),
    keys: new Map(),
    twins: new Map(),
    ownTwins: new Map(),
    merchants: new Map(),
    instruments: new Set(),
    endUsers: new Set(),
    usages: new Map(),
    approvals: new Set(),
    credentials: new Set(),
    operations: new Set(),
    terms: new Map(),
  }
  for (const scope of scopes) {
    addScope(wanted, scope)
    if (learnt.perMerchant) wantUsage(wanted, scope)
  }
  return wanted
}

function addScope(wanted: Wanted, scope: Scope): void {
  const { session, delegation, payment, key, requestHash, host, instrument } = scope
  const { approval, termsHash, credential, operation } = scope
  if (session !== undefined) wanted.accounts.add(session)
  if (delegation !== undefined) wanted.accounts.add(delegation)
  if (payment !== undefined) wanted.payments.add(payment)
  if (session !== undefined && key !== undefined) wantKey(wanted, { session, key })
  const account = delegation ?? session
  if (requestHash !== undefined) {
    wantWithin(wanted.twins, { account, payment, name: requestHash })
  }
  if (host !== undefined) wantWithin(wanted.merchants, { account, payment, name: host })
  if (approval !== undefined) wanted.approvals.add(approval)
  if (credential !== undefined) wanted.credentials.add(credential)
  if (operation !== undefined) wanted.operations.add(operation)
  if (session !== undefined && termsHash !== undefined) wantTerms(wanted, { session, termsHash })
  if (instrument !== undefined) wanted.instruments.add(instrument)
  if (scope.endUser !== undefined) wanted.endUsers.add(scope.endUser)
}

/** What was spent at the merchant of a scope, if it names one. */
export function wantUsage(
  { usages }: Wanted,
  { session, delegation, endUser, payment, host, payee }: Scope,
): void {
  if (host === undefined || payee === undefined) return
  const user = endUser === undefined ? undefined : endUserAccountId(endUser)
  const account = session ?? delegation ?? user
  usages.set(`${account ?? ''} ${payment ?? ''} ${host} ${payee}`, {
    account,
    payment,
    host,
    payee,
  })
}

export function wantKey(wanted: Wanted, one: WantedKey): void {
  wanted.keys.set(`${one.session} ${one.key}`, one)
}

export function wantTerms(wanted: Wanted, one: WantedTerms): void {
  wanted.terms.set(`${one.session} ${one.termsHash}`, one)
}

export function wantWithin(within: Wanted['twins'], one: WantedWithin): void {
  if (one.account === undefined && one.payment === undefined) return
  within.set(`${one.account ?? ''} ${one.payment ?? ''} ${one.name}`, one)
}
