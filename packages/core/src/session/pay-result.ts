import type { ApprovalCard } from '../ledger/approval.ts'
import type { DenialCode } from '../ledger/denial.ts'

/** A request for a resource that may cost money. Unknown fields are ignored and recorded. */
export interface PayRequest {
  /** The absolute URL of the resource: https, except for hosts that are allowed for development. */
  readonly url: string
  /**
   * The HTTP method.
   *
   * @default 'GET'
   */
  readonly method?: string | undefined
  /** Headers that the resource needs. Payment headers are refused, connection headers left out. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The body: a string is sent as it is, any other value as JSON. */
  readonly body?: unknown
  /** The agent's purpose, in its own words: recorded, and shown to people as the agent's words. */
  readonly purpose?: string | undefined
  /** The most to pay, a decimal string in the session's currency. It can only narrow the limits. */
  readonly maxAmount?: string | undefined
}

/**
 * The origin of a request. With both `conversation` and `id` it has an idempotency key, and is paid once
 * however often it is sent. Neither may change when a run is resumed.
 */
export interface Call {
  /** A conversation that the application names, or the framework's thread or workflow run. */
  readonly conversation?: string | undefined
  /** The id of the tool call. */
  readonly id?: string | undefined
  /** Aborts the call until the payment is reserved. After that an abort is ignored. */
  readonly signal?: AbortSignal | undefined
  /** Names of arguments that an adapter has not passed on. They are only recorded. */
  readonly ignored?: readonly string[] | undefined
  /** Hears each step as it begins, to show progress. Its errors are ignored. */
  readonly onProgress?: ((step: PayStep) => void) | undefined
}

/** The steps that a caller can show while it waits. */
export type PayStep = 'quoting' | 'deciding' | 'signing' | 'sending'

/** An amount of the session's currency, as a decimal string. */
export interface Money {
  /** The amount in `currency`, a decimal string such as `'0.05'`. */
  readonly amount: string
  /** The currency, for example `'USD'`. */
  readonly currency: string
}

/** A resource's response as it was received, bounded. Do not trust its content. */
export interface ResourceResponse {
  readonly status: number
  /**
   * The response's headers by lower-case names, without those of the payment. `location` is an absolute URL,
   * without user info and fragment, and at most 500 characters; any other is left out.
   */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Whether the body is not whole: it was longer than the bound, or it ended early. */
  readonly truncated: boolean
}

/** A receipt: amount, merchant, time, the rail's evidence and the hash of the delivery. */
export interface Receipt {
  readonly paymentId: string
  /** The amount in `currency`, a decimal string. */
  readonly amount: string
  readonly currency: string
  /** The host that the guard dialled, punycode. */
  readonly merchant: string
  /** The address that was paid, lower case. */
  readonly payee: string
  readonly network: string
  readonly asset: string
  /** The time of the reservation. ISO 8601, UTC. */
  readonly at: string
  /** `claimed` is the merchant's word; `settled` is proved by the rail. */
  readonly settlement: 'claimed' | 'settled'
  /** The transaction's hash: claimed by the merchant, or proved, as `settlement` says. */
  readonly transaction?: string
  /** SHA-256 of the delivered body, hex. */
  readonly contentSha256?: string
}

/** An approval that waits for a human. The application carries the answer to the end-user facet. */
export interface WaitingApproval {
  readonly id: string
  /** The card to show: structured fields, and the agent's words labelled as such. */
  readonly card: ApprovalCard
  /** The time at which the approval expires. ISO 8601, UTC. */
  readonly expiresAt: string
}

/** The result of `pay`. A refusal is a value; only a failure of the guard itself is thrown. */
export type PayResult =
  | {
      readonly status: 'paid'
      readonly receipt: Receipt
      /** Absent if the content was not kept: see `code`. */
      readonly response?: ResourceResponse
      readonly remaining: Money
      readonly code?: 'content_not_kept'
      readonly message: string
    }
  | {
      readonly status: 'free'
      readonly response: ResourceResponse
      readonly remaining: Money
      readonly message: string
    }
  | {
      readonly status: 'denied'
      readonly code: DenialCode
      readonly message: string
      readonly remaining?: Money
    }
  | {
      readonly status: 'approval_required'
      readonly code: 'approval_required'
      readonly approval: WaitingApproval
      readonly message: string
      readonly remaining: Money
    }
  | {
      readonly status: 'undelivered'
      readonly receipt: Receipt
      readonly response?: ResourceResponse
      readonly remaining: Money
      readonly message: string
    }
  | {
      readonly status: 'in_doubt'
      readonly paymentId: string
      /** The resource's answer, although no believable claim says that it was paid. */
      readonly response?: ResourceResponse
      readonly remaining: Money
      readonly message: string
    }
  | { readonly status: 'in_progress'; readonly paymentId?: string; readonly message: string }
  | {
      readonly status: 'failed'
      readonly code?: 'wallet_unavailable' | 'credential_expired'
      readonly message: string
      readonly remaining?: Money
    }

/** The status of a `PayResult`. */
export type PayStatus = PayResult['status']

/** The result of `quote`: steps 1 to 6 without a reservation. */
export type QuoteResult =
  | {
      readonly status: 'payable'
      readonly price: Money
      readonly merchant: string
      readonly remaining: Money
      readonly message: string
    }
  | PayResult

/** The result of `prove`. */
export type ProveResult =
  | {
      readonly status: 'signed'
      readonly paymentId: string
      /**
       * The payload for the `_meta` of the call. It is money until it is used or expired: send it to
       * the server, and nowhere else.
       */
      readonly payload: Readonly<Record<string, unknown>>
    }
  | PayResult

/** The status of a session. Amounts are decimal strings in `currency`. */
export interface SessionStatus {
  readonly id: string
  readonly state: 'open' | 'revoked' | 'expired' | 'locked' | 'unknown'
  readonly currency?: string
  readonly total?: string
  readonly settled?: string
  readonly held?: string
  readonly remaining?: string
  readonly payments?: number
  /** ISO 8601, UTC. */
  readonly expiresAt?: string
}
