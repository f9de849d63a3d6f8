import type { Evidence, Terms } from '../ledger/payment.ts'
import type { Asset } from '../money/asset.ts'
import type { SignRequest } from './wallet.ts'

/** A demand for payment: an HTTP response, which has `headers`, or an MCP answer, which has `message`. */
export type Challenge = HttpChallenge | McpChallenge

/** A resource's response that may ask for payment, as the guarded HTTP client read it. */
export interface HttpChallenge {
  /** The URL that the guard itself dialled. */
  readonly url: URL
  readonly status: number
  /** The headers, with lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/**
 * An answer to a tool call of MCP that may ask for payment. The caller received it, so the guard cannot know
 * whether the named server sent it.
 */
export interface McpChallenge {
  /** A URL of `mcp://`, the server's host, and the tool's name as the path. */
  readonly url: URL
  /** The `result` or the `error` of the JSON-RPC response: plain JSON of bounded length. */
  readonly message: unknown
}

/** One way to satisfy a challenge, parsed and bounded by the rail, and not trusted yet. */
export interface Offer {
  readonly scheme: string
  /** The CAIP-2 id of the network, for example `eip155:8453`. */
  readonly network: string
  /** The address of the asset's contract, lower case. */
  readonly asset: string
  /** The price in atomic units of the asset. */
  readonly atomic: bigint
  readonly payee: string
  /** The validity of the payload in seconds, already clamped by the rail. */
  readonly validForSeconds: number
  /**
   * The host that the challenge names, in punycode with its port. It is absent if it equals the dialled host,
   * which stays the merchant.
   */
  readonly claimedHost?: string
  /** A value that core hands to the rail's `prove` unread. */
  readonly echo: unknown
}

/** The offers of a challenge, or the reason why the challenge is invalid. */
export type Offers =
  | {
      readonly kind: 'offers'
      readonly offers: readonly Offer[]
      /** Short texts by the rail that say why it left entries of the challenge out. They are recorded. */
      readonly leftOut: readonly string[]
    }
  | { readonly kind: 'invalid'; readonly reason: string }

/** The content of a signature, fixed in the reserving commit. */
export interface Authorization {
  readonly paymentId: string
  readonly terms: Terms
  readonly asset: Asset
  /** The address of the instrument, which the money leaves. */
  readonly payer: string
  /** A hash of the payment's id, 32 bytes as 0x-hex. The block chain accepts a nonce once. */
  readonly nonce: `0x${string}`
  /** The end of the signature's validity by the block chain's time, in Unix seconds. */
  readonly validBefore: number
}

/** The signed payment as its rail sends it: over the transport by which the challenge came. */
export type Payload = HttpPayload | McpPayload

/** The headers that carry a signed payment over HTTP. */
export interface HttpPayload {
  readonly headers: Readonly<Record<string, string>>
}

/** The `_meta` entries that carry a signed payment in an MCP tool call. */
export interface McpPayload {
  readonly meta: Readonly<Record<string, unknown>>
}

/** The answer to the request or call that carried a payload. */
export type Answer =
  | Pick<HttpChallenge, 'status' | 'headers' | 'body'>
  | Pick<McpChallenge, 'message'>

/** The merchant's statement about the outcome of a payment. It proves nothing. */
export type Claim =
  | { readonly outcome: 'settled'; readonly transaction?: string }
  | {
      readonly outcome: 'refused' | 'unknown'
      /** The rail's own words. */
      readonly reason: string
      /** The merchant's own words, as they came. Core records them only if they repeat no secret. */
      readonly says?: string
    }

/** The outcome of a payment as the block chain, or the rail's server of record, proves it. */
export type Verdict =
  | { readonly outcome: 'settled'; readonly evidence: Evidence }
  | { readonly outcome: 'released'; readonly evidence: Evidence }
  | { readonly outcome: 'open'; readonly reason: string }

/** The result of asking the network to make an authorization unusable. Only `reconcile` proves an outcome. */
export type CancelAnswer =
  /** The network has the cancellation. A settlement may still have come first. */
  | { readonly outcome: 'asked'; readonly transaction?: string }
  /** The network refused, because the authorization is used or cancelled already. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** The rail, as it is configured, has no way to cancel this authorization. */
  | { readonly outcome: 'unavailable'; readonly reason: string }

/** A payment whose outcome the rail is asked for. */
export interface OpenPayment extends Authorization {
  /** The time of the reservation in Unix seconds: no settlement can be older. */
  readonly reservedAt: number
  /** The transaction that the merchant claimed: a hint where to look, and no evidence. */
  readonly claimedTransaction?: string
}

/**
 * A payment protocol. A rail reads challenges, makes proofs with the signing function that it is given, and
 * looks up outcomes on the network of record. It never chooses an offer, counts money or retries.
 *
 * If you implement it, throw when the network of record cannot be reached: the payment then stays as it is.
 * Return `settled` or `released` only on proof that is final by the rail's own rule of finality.
 */
export interface Rail {
  /** The name of the protocol, for example `x402`. It is recorded with each payment. */
  readonly name: string
  /** The CAIP-2 ids of the networks that the rail can reconcile on. Core takes no offer on another one. */
  readonly networks: readonly string[]
  /** The networks among them on which `cancel` can work. */
  readonly cancelNetworks: readonly string[]
  /**
   * Parses a challenge. Returns undefined if it is of another protocol, and `invalid` if it breaks this
   * protocol. Leaves out offers that the rail does not support, and those that could not settle in one of
   * `assets`, the assets that payments may be made in.
   */
  offers(challenge: Challenge, assets: readonly Asset[]): Offers | undefined
  /**
   * Makes the payload for exactly this authorization, calling `sign` at most once.
   * What `sign` throws is passed on untouched.
   */
  prove(
    authorization: Authorization,
    echo: unknown,
    sign: (request: SignRequest) => Promise<`0x${string}`>,
  ): Promise<Payload>
  /** Reads the answer to the paid request. A claim of success about another payment is `unknown`. */
  read(answer: Answer, authorization: Authorization): Claim
  /** Looks up the final outcome on the network of record. Returns `open` while there is none. */
  reconcile(payment: OpenPayment): Promise<Verdict>
  /** Returns the time of the network's newest block in Unix seconds. Validity ends by this time. */
  time(network: string): Promise<number>
  /** Returns the atomic units of the asset that the address holds now. */
  balance(asset: Asset, address: string): Promise<bigint>
  /**
   * Asks the network to make the authorization unusable, and calls `sign` at most once, only if that can
   * still help. The hold stays until `reconcile` proves an outcome.
   */
  cancel(
    payment: OpenPayment,
    sign: (request: SignRequest) => Promise<`0x${string}`>,
  ): Promise<CancelAnswer>
}
