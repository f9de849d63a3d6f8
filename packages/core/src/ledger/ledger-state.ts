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
 * The rows that a commit or a read needs. The store loads the named rows and those that belong to them: with
 * a session its ancestors and its delegation, with a delegation its end user's account, with a payment its
 * session, with a key its payment.
 */
export interface Scope {
  readonly session?: string
  readonly delegation?: string
  readonly payment?: string
  /** The idempotency key of a call within `session`. */
  readonly key?: string
  /** The hash of a request. It brings the delegation's latest payment for this request. */
  readonly requestHash?: string
  /** The host of a merchant within the delegation. */
  readonly host?: string
  readonly instrument?: string
  /** The id of an approval. It brings the approval's session. */
  readonly approval?: string
  /** A payee at `host`. It brings the usage there of each account with per-merchant limits. */
  readonly payee?: string
  /** The id of an end user. It brings their account and all of their delegations. */
  readonly endUser?: string
  /** The hash of terms. It brings the session's latest approval of them, and its root's recent ones. */
  readonly termsHash?: string
  /** The id of a key of the service. */
  readonly credential?: string
  /** The id of an operation with an idempotency key, which may have been done before. */
  readonly operation?: string
}

/** The newest rows of a scope. A field is absent if its row does not exist. */
export interface LedgerState {
  readonly session?: Session
  /** The session's parent, the parent's parent, and so on. */
  readonly ancestors: readonly Session[]
  readonly delegation?: Delegation
  /** The account of the delegation's or the scope's end user. It is absent if they set no limits. */
  readonly endUser?: EndUserAccount
  /** All delegations of the scope's `endUser`, oldest first. */
  readonly delegations?: readonly Delegation[]
  /**
   * The usage at the scope's `host` and `payee` of each account here that has per-merchant limits and has
   * paid there. It is absent if no account has such limits.
   */
  readonly merchantUsages?: readonly MerchantUsage[]
  /** The payment of the scope's id, or the one that the scope's key is pinned to. */
  readonly payment?: Payment
  readonly key?: KeyRecord
  /** The delegation's latest payment for the scope's `requestHash`. */
  readonly twin?: Payment
  /** The session's own latest payment for `requestHash`, if `twin` is another session's. */
  readonly ownTwin?: Payment
  readonly merchant?: KnownMerchant
  readonly instrument?: RegisteredInstrument
  /** The approval of the scope's id, or the session's latest one for `termsHash`. */
  readonly approval?: Approval
  /** The newest approvals of the session's root, at most `MAX_RECENT_APPROVALS`, with `termsHash`. */
  readonly recentApprovals?: readonly Approval[]
  readonly credential?: Credential
  readonly operation?: Operation
}

/** The recorded owner of an instrument. A later configuration cannot change it. */
export interface RegisteredInstrument {
  readonly handle: string
  readonly endUser: string
  readonly registeredAt: number
}

/** The result of a commit, the rows to write, each whole, and the events to record. */
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
  /** The rows that are in an archive and leave the ledger. */
  readonly removed?: Removed
  /** The events to record. At least one if rows are written. */
  readonly events: readonly AuditEvent[]
}

/**
 * Checks whether a change counts a payment whose hold had been released before. A store then must not
 * refuse the change for an account over its total.
 *
 * @example
 * ```ts
 * import type { Change } from '@bursar/core'
 *
 * const change: Change<number> = { result: 1, events: [] }
 * isOverrun(change) // false
 * ```
 */
export function isOverrun({ payments = [], events }: Change<unknown>): boolean {
  return (
    payments.some(({ overrun }) => overrun) ||
    events.some(({ type }) => type === 'archived-payment-settled')
  )
}

/**
 * The rows that a change removes from the ledger. No other row names them. A row that is gone already, because
 * two calls remove it, is no error.
 */
export interface Removed {
  /** The records whose body is replaced by that of `archivedBody`. Their hash stays. */
  readonly records: readonly { readonly seq: number; readonly body: string }[]
  /** The ids of payments, whose stored responses and pinned keys go with them. */
  readonly payments: readonly string[]
  readonly approvals: readonly string[]
  /** The ids of sessions, children first, whose keys go with them. An id is never used again. */
  readonly sessions: readonly string[]
}
