import type { MerchantUsage } from '../money/limits.ts'
import type { Approval } from './approval.ts'
import type { AuditEvent } from './audit-event.ts'
import type { Credential } from './credential.ts'
import type { Delegation } from './delegation.ts'
import type { EndUserAccount } from './end-user-account.ts'
import type { KnownMerchant } from './merchant.ts'
import type { Operation } from './operation.ts'
import type { Content, KeyRecord, Payment } from './payment.ts'
import type { Session } from './session.ts'

/**
 * What a commit or a read is about. The store loads what the scope names and all that belongs to it:
 * a session brings its ancestors and its delegation, a delegation its end user's account, a payment
 * its session, a key its payment.
 */
export interface Scope {
  readonly session?: string
  readonly delegation?: string
  readonly payment?: string
  /** A key within `session`. */
  readonly key?: string
  /** Hash of a request: brings the delegation's latest payment for the same one. */
  readonly requestHash?: string
  /** Host of a merchant within the delegation. */
  readonly host?: string
  readonly instrument?: string
  /** An approval by its id: brings its session. */
  readonly approval?: string
  /** With `host`: what the accounts with per-merchant limits have spent at this merchant. */
  readonly payee?: string
  /** An end user: brings their account and all of their delegations. */
  readonly endUser?: string
  /** Hash of terms: brings the session's latest approval of them, and its root's recent ones. */
  readonly termsHash?: string
  /** A key of the service by its id. */
  readonly credential?: string
  /** An operation that may have been done before, by its id. */
  readonly operation?: string
}

/** The newest state of what a scope names; what does not exist is absent. */
export interface LedgerState {
  readonly session?: Session
  /** The session's parent, its parent, and so on. */
  readonly ancestors: readonly Session[]
  readonly delegation?: Delegation
  /** The account of the end user: of the delegation, or of the scope. Absent without limits. */
  readonly endUser?: EndUserAccount
  /** With `endUser` in the scope: all of their delegations, oldest first. */
  readonly delegations?: readonly Delegation[]
  /**
   * With `host` and `payee`, where an account among these has per-merchant limits: what they have
   * spent at the merchant, as far as they have.
   */
  readonly merchantUsages?: readonly MerchantUsage[]
  /** The payment that the scope names, or the one that its key is pinned to. */
  readonly payment?: Payment
  readonly key?: KeyRecord
  /** The latest payment in the delegation for the request's hash. */
  readonly twin?: Payment
  /** The session's own latest payment for it, where `twin` is another session's. */
  readonly ownTwin?: Payment
  readonly merchant?: KnownMerchant
  readonly instrument?: RegisteredInstrument
  /** The approval that the scope names, or the latest of its terms in the session. */
  readonly approval?: Approval
  /** With `termsHash`: the newest approvals of the session's root, at most `MAX_RECENT_APPROVALS`. */
  readonly recentApprovals?: readonly Approval[]
  readonly credential?: Credential
  readonly operation?: Operation
}

/** Who owns an instrument: recorded once, and never changed by a later configuration. */
export interface RegisteredInstrument {
  readonly handle: string
  readonly endUser: string
  readonly registeredAt: number
}

/** Rows to write, each whole, and the audit records that say why. */
export interface Change<Result> {
  readonly result: Result
  readonly sessions?: readonly Session[]
  readonly delegations?: readonly Delegation[]
  readonly payments?: readonly Payment[]
  readonly keys?: readonly KeyRecord[]
  readonly merchants?: readonly KnownMerchant[]
  readonly contents?: readonly Content[]
  readonly instruments?: readonly RegisteredInstrument[]
  readonly approvals?: readonly Approval[]
  readonly credentials?: readonly Credential[]
  readonly operations?: readonly Operation[]
  readonly endUsers?: readonly EndUserAccount[]
  readonly merchantUsages?: readonly MerchantUsage[]
  /** Rows that are in an archive, and leave the ledger. */
  readonly removed?: Removed
  /** Never empty where rows are written: each change has its record in the same commit. */
  readonly events: readonly AuditEvent[]
}

/** Whether a change counts money that nobody held: its accounts may be over their totals from then on. */
export function isOverrun({ payments = [], events }: Change<unknown>): boolean {
  return (
    payments.some(({ overrun }) => overrun) ||
    events.some(({ type }) => type === 'archived-payment-settled')
  )
}

/**
 * Rows that leave the ledger, in the same commit, and that no other row names. What is gone already,
 * because two calls remove the same, stays gone.
 */
export interface Removed {
  /** Records whose body is replaced by what `archivedBody` makes of it. Their hash stays. */
  readonly records: readonly { readonly seq: number; readonly body: string }[]
  /** Ids of payments, with what was kept of their responses and the keys that are pinned to them. */
  readonly payments: readonly string[]
  readonly approvals: readonly string[]
  /** Ids of sessions, children first, with all their keys. An id never names a session again. */
  readonly sessions: readonly string[]
}
