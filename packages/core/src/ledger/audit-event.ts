import type { ApprovalCard, AskRule } from './approval.ts'
import type { Consent } from './delegation.ts'
import type { DenialCode } from './denial.ts'
import type { MerchantRule } from './merchant.ts'
import type { PaymentSubject } from './payment.ts'
import type { RecordedLimits } from './recorded-limits.ts'
import type { RecordedWindows } from './recorded-usage.ts'
import type { Role } from './role.ts'
import type { SecretEvent } from './secret-event.ts'

/**
 * What happened: one event for each change, noun and verb in the past. Amounts are decimal strings,
 * and nothing in an event is a secret.
 */
export type AuditEvent = Happening & {
  /** Who asked for it, where the guard was told: see `Bursar.as`. */
  readonly caller?: RecordedCaller
}

type Happening =
  | {
      readonly type: 'key-issued'
      readonly credential: string
      readonly roles: readonly Role[]
      readonly endUser?: string
      readonly label?: string
      /** SHA-256 of the key, 256 random bits: nobody finds the key by it. */
      readonly secretHash: string
      readonly expiresAt: number
    }
  | {
      readonly type: 'key-rotated'
      readonly credential: string
      readonly secretHash: string
      /** Until when the secret before is good as well. */
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
      /** What the provider calls it. */
      readonly permission: string
    }
  | {
      /** The provider says that the permission of a revoked delegation is gone. */
      readonly type: 'permission-revoked'
      readonly delegation: string
      readonly endUser: string
    }
  | {
      /** It could not be withdrawn so far. It is tried again, which is not recorded. */
      readonly type: 'permission-withdrawal-failed'
      readonly delegation: string
      readonly endUser: string
      /** The code of what went wrong. */
      readonly reason: string
    }
  | {
      /** What an end user may spend over all agents. */
      readonly type: 'end-user-limited'
      readonly endUser: string
      readonly limits: RecordedLimits
      readonly before?: RecordedLimits
      readonly reason?: string
    }
  | {
      readonly type: 'session-created'
      readonly session: string
      /** The session that this one was opened from, and draws from. */
      readonly parent?: string
      readonly delegation: string
      readonly endUser: string
      readonly agent: string
      /** The credential that has to come with the token. */
      readonly payer?: string
      /** SHA-256 of the session token, 256 random bits: nobody finds the token by it. */
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
      readonly type: 'session-changed'
      readonly session: string
      readonly delegation: string
      readonly limits: RecordedLimits
      readonly before: RecordedLimits
      readonly merchants?: readonly MerchantRule[]
      readonly expiresAt: number
      /** When it was to expire before. */
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
      /** Why it asks. */
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
      /** An identical request was paid a moment ago, and its payment answers this key from now on. */
      readonly type: 'key-pinned'
      readonly session: string
      readonly delegation: string
      readonly key: string
      readonly payment: string
    }
  | {
      readonly type: 'request-answered'
      readonly session: string
      readonly delegation: string
      readonly host: string
      readonly httpStatus: number
      readonly requestHash: string
      readonly ignoredArguments?: readonly string[]
    }
  | {
      /** What a policy that is only observed would have decided about a payment. */
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
      /** The operator's text: everything that is known. */
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
      readonly key?: string
      readonly nonce: string
      readonly tokenHash: string
      readonly tokenExpiresAt: number
      readonly validBefore: number
      readonly policies: readonly string[]
      /** What is left of the session's total, and of the delegation's, with this hold. */
      readonly sessionRemaining: string
      readonly delegationRemaining: string
      /** What is left of the end user's own total, where they have set one. */
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
    })
  | (PaymentSubject & {
      readonly type: 'payment-doubted'
      readonly reason: string
      readonly httpStatus?: number
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
      /** Who knows that no money can move: the holder that signed nothing, or the rail. */
      readonly by: 'holder' | 'proof'
      readonly reason: string
      readonly block?: string
    })
  | (PaymentSubject & {
      /** Somebody asked for the authorization to be made unusable. The hold stays until proof. */
      readonly type: 'cancellation-requested'
      readonly by: 'end_user' | 'manager'
      readonly reason?: string
    })
  | (PaymentSubject & {
      /** What came of it, by the rail's word. Never proof. */
      readonly type: 'cancellation-answered'
      readonly outcome: 'asked' | 'refused' | 'unavailable' | 'unknown'
      readonly reason?: string
      readonly transaction?: string
    })
  | {
      /** A session that has ended is in an archive, with all below it; its rows go from here on. */
      readonly type: 'session-archived'
      readonly session: string
      readonly delegation: string
      readonly endUser: string
      /** Sessions, records and payments (those that were not released) in the archive. */
      readonly sessions: number
      readonly records: number
      readonly payments: number
      /** What was settled by them, as a decimal string. */
      readonly settled: string
      /** The number of the last record that is in the archive. */
      readonly through: number
      /** Hash over the number and the hash of each of those records, in their order. */
      readonly recordsSha256: string
      /** SHA-256 of the file, all of its lines. */
      readonly fileSha256: string
      /** What the delegation counts in its windows by now: what is archived is in it. */
      readonly delegationWindows: RecordedWindows
      /** The same of the end user's account, where there is one in this currency. */
      readonly endUserWindows?: RecordedWindows
    }
  | {
      /**
       * What an archive has of one merchant, where the delegation or the end user limits each merchant:
       * one record for each that was paid, before anything is removed.
       */
      readonly type: 'merchant-archived'
      readonly session: string
      readonly delegation: string
      readonly endUser: string
      readonly host: string
      readonly payee: string
      /** Payments of the archive that were not released, and what was settled by them. */
      readonly payments: number
      readonly settled: string
      /** What the delegation counts there in its windows by now, if it limits each merchant. */
      readonly delegationWindows?: RecordedWindows
      /** The same of the end user's account. */
      readonly endUserWindows?: RecordedWindows
    }
  | {
      /** The rail has proved that a payment settled whose row is in an archive: its delegation counts it. */
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
      /** So many rows of an archived session are gone; `done` when all are, and its id is used up. */
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
      /** What stays of a record that is in an archive. Is never written; it takes a record's place. */
      readonly type: 'record-archived'
      readonly session: string
      readonly archive: string
      readonly sha256: string
    }

export type AuditEventType = AuditEvent['type']

/** The events of some types. */
export type EventOf<Type extends AuditEventType> = Extract<AuditEvent, { readonly type: Type }>
/** Who asked for a change, as its record names them. */
export interface RecordedCaller {
  /** Of a key, such as `key_…`, of a subject of an identity provider, or of an operator. */
  readonly id: string
  readonly roles: readonly string[]
}
