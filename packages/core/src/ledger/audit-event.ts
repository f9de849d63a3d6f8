import type { ApprovalCard, AskRule } from './approval.ts'
import type { Consent } from './delegation.ts'
import type { DenialCode } from './denial.ts'
import type { RequestFailure } from './failed-request.ts'
import type { MerchantRule } from './merchant.ts'
import type { PaymentSubject } from './payment.ts'
import type { RecordedLimits } from './recorded-limits.ts'
import type { RecordedWindows } from './recorded-usage.ts'
import type { Role } from './role.ts'
import type { SecretEvent } from './secret-event.ts'

/**
 * An event of the audit trail, one for each change of the ledger. Its type is a noun and a past verb, its
 * amounts are decimal strings, and it holds no secret.
 */
export type AuditEvent = LedgerEvent & {
  /** The caller of the change, if the application named one with `Bursar.as`. */
  readonly caller?: RecordedCaller
}

/** A request for which nothing was reserved. */
interface RequestSubject {
  readonly session: string
  readonly delegation: string
  readonly host: string
  readonly requestHash: string
  readonly ignoredArguments?: readonly string[]
}

type LedgerEvent =
  /** The secret was made by which the installation recognises the ids of its keys. */
  | { readonly type: 'key-check-created' }
  | {
      readonly type: 'key-issued'
      readonly credential: string
      readonly roles: readonly Role[]
      readonly endUser?: string
      readonly label?: string
      /** The SHA-256 of the key's text, which has 256 random bits. The key cannot be found from it. */
      readonly secretHash: string
      readonly expiresAt: number
    }
  | {
      readonly type: 'key-rotated'
      readonly credential: string
      readonly secretHash: string
      /** The time until which the secret before stays valid. */
      readonly overlapEndsAt: number
    }
  | {
      readonly type: 'key-revoked' | 'key-used'
      readonly credential: string
      readonly reason?: string
    }
  | {
      readonly type: 'instrument-registered'
      readonly instrument: string
      readonly endUser: string
    }
  | {
      readonly type: 'delegation-granted'
      readonly delegation: string
      readonly endUser: string
      readonly agent: string
      readonly name?: string
      readonly instrument: string
      readonly limits: RecordedLimits
      readonly merchants?: readonly MerchantRule[]
      readonly ask?: AskRule
      readonly consent: Consent
      readonly expiresAt: number
      /** The wallet's provider is asked for its own permission. */
      readonly permission?: 'requested'
    }
  | {
      readonly type: 'delegation-revoked'
      readonly delegation: string
      readonly endUser: string
      readonly reason?: string
    }
  | {
      readonly type: 'permission-granted'
      readonly delegation: string
      readonly endUser: string
      /** The provider's name of the permission. */
      readonly permission: string
    }
  | {
      /** The provider confirmed that the permission of a revoked delegation is gone. */
      readonly type: 'permission-revoked'
      readonly delegation: string
      readonly endUser: string
    }
  | {
      /** Withdrawing the permission failed. Further attempts are not recorded. */
      readonly type: 'permission-withdrawal-failed'
      readonly delegation: string
      readonly endUser: string
      /** The code of the error. */
      readonly reason: string
    }
  | {
      /** An end user set limits over all agents. */
      readonly type: 'end-user-limited'
      readonly endUser: string
      readonly limits: RecordedLimits
      readonly before?: RecordedLimits
      readonly reason?: string
    }
  | {
      readonly type: 'session-created'
      readonly session: string
      /** The session that opened this child session. */
      readonly parent?: string
      readonly delegation: string
      readonly endUser: string
      readonly agent: string
      readonly name?: string
      /** The id of the credential that has to come with the token. */
      readonly payer?: string
      /** The SHA-256 of the session token, which has 256 random bits. The token cannot be found from it. */
      readonly tokenHash: string
      readonly limits: RecordedLimits
      readonly merchants?: readonly MerchantRule[]
      readonly ask?: AskRule
      readonly repeatAfterMs: number
      readonly expiresAt: number
    }
  | {
      readonly type: 'session-revoked' | 'session-closed' | 'session-locked' | 'session-unlocked'
      readonly session: string
      readonly delegation: string
      readonly reason?: string
    }
  | {
      /** A call by the session's name got one more token. */
      readonly type: 'session-opened'
      readonly session: string
      readonly delegation: string
      readonly tokenHash: string
    }
  | {
      readonly type: 'session-changed'
      readonly session: string
      readonly delegation: string
      readonly limits: RecordedLimits
      readonly before: RecordedLimits
      readonly merchants?: readonly MerchantRule[]
      readonly expiresAt: number
      /** The expiry before the change. */
      readonly expiredAt: number
      readonly reason?: string
    }
  | {
      readonly type: 'approval-requested'
      readonly approval: string
      readonly session: string
      readonly root: string
      readonly delegation: string
      readonly endUser: string
      readonly termsHash: string
      readonly key?: string
      readonly card: ApprovalCard
      /** The rule that asks. */
      readonly reason: string
      readonly expiresAt: number
    }
  | {
      readonly type: 'approval-granted' | 'approval-denied'
      readonly approval: string
      readonly session: string
      readonly delegation: string
      readonly endUser: string
      readonly termsHash: string
      readonly reason?: string
    }
  | {
      readonly type: 'approval-used'
      readonly approval: string
      readonly session: string
      readonly delegation: string
      readonly payment: string
    }
  | {
      /** An identical request was just paid, and this call's key is pinned to that payment. */
      readonly type: 'key-pinned'
      readonly session: string
      readonly delegation: string
      readonly key: string
      readonly payment: string
    }
  | {
      /** A call was answered for the first time with a payment that a proof, not a claim, made paid. */
      readonly type: 'payment-answered'
      readonly session: string
      readonly delegation: string
      readonly payment: string
    }
  | (RequestSubject & { readonly type: 'request-answered'; readonly httpStatus: number })
  /** A request that had no answer, and for which nothing was reserved. */
  | (RequestSubject & { readonly type: 'request-failed'; readonly failure: RequestFailure })
  | {
      /** The decision of a policy that is observed and not enforced. */
      readonly type: 'policy-observed'
      readonly session: string
      readonly delegation: string
      readonly requestHash: string
      readonly host: string
      readonly policy: string
      readonly effect: 'allow' | 'deny' | 'ask'
      readonly reason?: string
    }
  | {
      readonly type: 'payment-denied'
      readonly session: string
      readonly delegation: string
      readonly code: DenialCode
      /** The operator's text with all known facts. */
      readonly detail: string
      readonly requestHash?: string
      readonly host?: string
      readonly path?: string
      readonly amount?: string
      readonly currency?: string
      readonly payee?: string
      readonly purpose?: string
      /** The host that the challenge named, if it was another one than the host that was dialled. */
      readonly claimedHost?: string
      readonly ignoredArguments?: readonly string[]
    }
  | (PaymentSubject & {
      readonly type: 'payment-reserved'
      readonly instrument: string
      readonly rail: string
      readonly scheme: string
      readonly network: string
      readonly asset: string
      readonly atomic: string
      readonly payee: string
      readonly payer: string
      readonly path: string
      readonly purpose: string
      readonly claimedHost?: string
      readonly requestHash: string
      readonly termsHash: string
      /** The undelivered payment that this one repeats, because the end user allowed it. */
      readonly repeats?: string
      readonly key?: string
      readonly nonce: string
      readonly tokenHash: string
      readonly tokenExpiresAt: number
      readonly validBefore: number
      readonly policies: readonly string[]
      /** The rest of the session's total, and of the delegation's, after this hold. */
      readonly sessionRemaining: string
      readonly delegationRemaining: string
      /** The rest of the end user's own total after this hold, if they set one. */
      readonly endUserRemaining?: string
      readonly ignoredArguments?: readonly string[]
    })
  | SecretEvent
  | (PaymentSubject & { readonly type: 'payment-signed' })
  | (PaymentSubject & {
      readonly type: 'payment-claimed'
      readonly transaction?: string
      readonly httpStatus: number
      readonly delivered: boolean
      readonly contentSha256: string
      readonly bytes: number
      /** When the merchant's answer came, in milliseconds since the epoch, at or just before the record. */
      readonly claimedAt: number
    })
  | (PaymentSubject & {
      readonly type: 'payment-doubted'
      readonly reason: string
      readonly httpStatus?: number
    })
  | (PaymentSubject & {
      /** The end user allows the request of an undelivered payment once more, for at most `amount`. */
      readonly type: 'payment-repeat-allowed'
      /** The undelivered payment. `payment` is the latest one for its request, which may have been released. */
      readonly undelivered: string
      readonly until: number
      readonly reason?: string
    })
  | (PaymentSubject & {
      readonly type: 'payment-settled'
      readonly payee: string
      readonly settled: string
      readonly overrun: boolean
      readonly transaction?: string
      readonly block: string
      readonly evidence: string
    })
  | (PaymentSubject & {
      readonly type: 'payment-released'
      readonly payee: string
      /** The source that knows that no money can move: the process that signed nothing, or the rail. */
      readonly by: 'holder' | 'proof'
      readonly reason: string
      readonly block?: string
    })
  | (PaymentSubject & {
      /** A person asked to make the authorization unusable. The hold stays until proof. */
      readonly type: 'cancellation-requested'
      readonly by: 'end_user' | 'manager'
      readonly reason?: string
    })
  | (PaymentSubject & {
      /** The rail's answer to a cancellation. It is no proof. */
      readonly type: 'cancellation-answered'
      readonly outcome: 'asked' | 'refused' | 'unavailable' | 'unknown'
      readonly reason?: string
      readonly transaction?: string
    })
  | {
      /** An ended session and all sessions below it are in an archive. Their rows are removed next. */
      readonly type: 'session-archived'
      readonly session: string
      readonly delegation: string
      readonly endUser: string
      /** The numbers of sessions, records and unreleased payments in the archive. */
      readonly sessions: number
      readonly records: number
      readonly payments: number
      /** The sum that the payments settled, as a decimal string. */
      readonly settled: string
      /** The number of the last record that is in the archive. */
      readonly through: number
      /** The hash over the number and hash of each of those records, in their order. */
      readonly recordsSha256: string
      /** The SHA-256 of the archive's file. */
      readonly fileSha256: string
      /** The delegation's windows at this time, with the archived payments in them. */
      readonly delegationWindows: RecordedWindows
      /** The windows of the end user's account, if there is one in this currency. */
      readonly endUserWindows?: RecordedWindows
    }
  | {
      /**
       * The payments of an archive to one merchant. Recorded for each paid merchant, before rows are removed,
       * if the delegation or the end user has per-merchant limits.
       */
      readonly type: 'merchant-archived'
      readonly session: string
      readonly delegation: string
      readonly endUser: string
      readonly host: string
      readonly payee: string
      /** The number of unreleased payments, and the sum that they settled. */
      readonly payments: number
      readonly settled: string
      /** The delegation's windows at this merchant, if it has per-merchant limits. */
      readonly delegationWindows?: RecordedWindows
      /** The windows of the end user's account at this merchant, if it has per-merchant limits. */
      readonly endUserWindows?: RecordedWindows
    }
  | {
      /** The rail proved that an archived payment settled. Its delegation counts it. */
      readonly type: 'archived-payment-settled'
      readonly payment: string
      readonly session: string
      readonly delegation: string
      readonly endUser: string
      readonly amount: string
      readonly currency: string
      readonly host: string
      readonly payee: string
      readonly transaction?: string
      readonly block: string
      readonly evidence: string
    }
  | {
      /** Rows of an archived session were removed. `done` is true when none is left. */
      readonly type: 'session-removed'
      readonly session: string
      readonly delegation: string
      readonly records: number
      readonly payments: number
      readonly approvals: number
      readonly sessions: number
      readonly done: boolean
    }
  | {
      /** The rest of an archived record. It replaces the record's body and is never recorded itself. */
      readonly type: 'record-archived'
      readonly session: string
      readonly archive: string
      readonly sha256: string
    }

/** The type of an audit event. */
export type AuditEventType = AuditEvent['type']

/** An audit event of one type, or of several. */
export type EventOf<Type extends AuditEventType> = Extract<AuditEvent, { readonly type: Type }>

/** The caller of a change, as its record names them. */
export interface RecordedCaller {
  /** The id of a service key, such as `key_…`, of a subject of an identity provider, or of an operator. */
  readonly id: string
  readonly roles: readonly string[]
}
