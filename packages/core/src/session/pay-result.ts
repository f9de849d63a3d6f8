import type { ApprovalCard } from '../ledger/approval.ts'
import type { DenialCode } from '../ledger/denial.ts'

/** A request as a tool call asks for it. Unknown fields are ignored and recorded. */
export interface PayRequest {
  readonly url: string
  /** The HTTP method. @default 'GET' */
  readonly method?: string | undefined
  /** Only headers that the resource needs; payment and connection headers are the guard's. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The body: text is sent as it is, anything else as JSON. */
  readonly body?: unknown
  /** The agent's own words for what it pays for: recorded, and shown to people as such. */
  readonly purpose?: string | undefined
  /**
   * The most to pay, a decimal string in the session's currency. It only narrows the session's
   * limits.
   */
  readonly maxAmount?: string | undefined
}

/**
 * The origin of a request. With both `conversation` and `id` the call has an idempotency key and is
 * paid once, however often it is repeated. Neither may change when a run is resumed.
 */
export interface Call {
  /** A conversation that the application names, or the framework's thread or workflow run. */
  readonly conversation?: string | undefined
  /** The tool call's id. */
  readonly id?: string | undefined
  /** Aborts the call until the payment is reserved. An abort after that is ignored. */
  readonly signal?: AbortSignal | undefined
  /** The names of arguments that an adapter has not passed on, for the record. */
  readonly ignored?: readonly string[] | undefined
  /** Called with each step as the step begins. Its exceptions are ignored. */
  readonly onProgress?: ((step: PayStep) => void) | undefined
}

/** The steps that a caller can show while it waits. */
export type PayStep = 'quoting' | 'deciding' | 'signing' | 'sending'

/** An amount of the session's currency, as a decimal string. */
export interface Money {
  readonly amount: string
  readonly currency: string
}

/** A resource's response as it was received, up to a bound. All of it is untrusted. */
export interface ResourceResponse {
  readonly status: number
  /** Lower-case names; payment headers are left out. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** True if the body was longer than the bound and was cut there. */
  readonly truncated: boolean
}

/**
 * A receipt: the amount, the payee, the resource, the rail's evidence and the hash of the delivery.
 */
export interface Receipt {
  readonly paymentId: string
  readonly amount: string
  readonly currency: string
  /** Host that the guard dialled, punycode. */
  readonly merchant: string
  readonly payee: string
  readonly network: string
  readonly asset: string
  /** ISO 8601, UTC: when the payment was reserved. */
  readonly at: string
  /** `claimed` until the rail has proved it. */
  readonly settlement: 'claimed' | 'settled'
  /** The transaction's hash: claimed by the merchant, or proved, as `settlement` says. */
  readonly transaction?: string
  /** SHA-256 of the delivered content, hex. */
  readonly contentSha256?: string
}

/** A question for a human. The application carries the answer to the end-user facet. */
export interface WaitingApproval {
  readonly id: string
  /** The card to show: structured fields, and the agent's words labelled as such. */
  readonly card: ApprovalCard
  /** ISO 8601, UTC. */
  readonly expiresAt: string
}

/** The result of `pay`. A refusal is a value; only a failure of the guard itself is thrown. */
export type PayResult =
  | {
      readonly status: 'paid'
      readonly receipt: Receipt
      /** Absent where the content was not kept: see `code`. */
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
      /** The response of the resource, although no believable word says that it was paid. */
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

export type PayStatus = PayResult['status']

/** The result of `quote`: the decision on a payment, without a reservation. */
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
      readonly status: 'proven'
      readonly paymentId: string
      /**
       * For the `_meta` of the call. It is money until it is used or expired: it goes to the
       * server, and nowhere else.
       */
      readonly proof: Readonly<Record<string, unknown>>
    }
  | PayResult

/** The status of a session: its state, its limits and its use of them. */
export interface SessionStatus {
  readonly id: string
  readonly state: 'open' | 'revoked' | 'expired' | 'locked' | 'unknown'
  readonly currency?: string
  /** Decimal strings. */
  readonly total?: string
  readonly settled?: string
  readonly held?: string
  readonly remaining?: string
  readonly payments?: number
  /** ISO 8601, UTC. */
  readonly expiresAt?: string
}
