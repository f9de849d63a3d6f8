import type { ApprovalCard } from '../ledger/approval.ts'
import type { DenialCode } from '../ledger/denial.ts'

/** What a tool call asks for. Unknown fields are ignored and recorded. */
export interface PayRequest {
  readonly url: string
  /** `GET` unless said otherwise. */
  readonly method?: string | undefined
  /** Only headers that the resource needs; payment and connection headers are the guard's. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown
  /** What the agent pays for, in its own words: recorded, and shown to people as such. */
  readonly purpose?: string | undefined
  /** Decimal string in the session's currency. It can only narrow what the session allows. */
  readonly maxAmount?: string | undefined
}

/**
 * Where a request comes from. With both `conversation` and `id` it has a key, and is paid once
 * however often it is asked; neither may change when a run is resumed.
 */
export interface Call {
  /** A conversation that the application names, or the framework's thread or workflow run. */
  readonly conversation?: string | undefined
  /** The tool call's id. */
  readonly id?: string | undefined
  /** Honoured until the payment is reserved, and never after. */
  readonly signal?: AbortSignal | undefined
  /** Names of arguments that an adapter has not passed on: recorded, and nothing else. */
  readonly ignored?: readonly string[] | undefined
  /** Told each step as it begins, for progress; what it throws is ignored. */
  readonly onProgress?: ((step: PayStep) => void) | undefined
}

/** The steps that a caller can show while it waits. */
export type PayStep = 'quoting' | 'deciding' | 'signing' | 'sending'

/** An amount of the session's currency, as a decimal string. */
export interface Money {
  readonly amount: string
  readonly currency: string
}

/** A resource's response as it was received, bounded. Nothing in it is to be trusted. */
export interface ResourceResponse {
  readonly status: number
  /** Lower-case names; payment headers are left out. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** The body was longer than the bound, and was cut there. */
  readonly truncated: boolean
}

/** What was paid, to whom, for what, with the rail's evidence and the delivery's hash. */
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
  /** Claimed by the merchant, or proved, as `settlement` says. */
  readonly transaction?: string
  /** SHA-256 of what was delivered, hex. */
  readonly contentSha256?: string
}

/** What a human has to be asked. The application carries the answer to the end-user facet. */
export interface WaitingApproval {
  readonly id: string
  /** What to show: structured fields, and the agent's words labelled as such. */
  readonly card: ApprovalCard
  /** ISO 8601, UTC. */
  readonly expiresAt: string
}

/** What `pay` answers. A refusal is a value; only a failure of the guard itself is thrown. */
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
      /** What the resource sent although nothing believable says that it was paid. */
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

/** What `quote` answers: steps 1 to 6 without a reservation. */
export type QuoteResult =
  | {
      readonly status: 'payable'
      readonly price: Money
      readonly merchant: string
      readonly remaining: Money
      readonly message: string
    }
  | PayResult

/** What `prove` answers. */
export type ProveResult =
  | {
      readonly status: 'proven'
      readonly paymentId: string
      /**
       * For the `_meta` of the call. It is money until it is used or expired: it goes to the server,
       * and nowhere else.
       */
      readonly proof: Readonly<Record<string, unknown>>
    }
  | PayResult

/** What a session says of itself. */
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
