import type { Evidence, Terms } from '../ledger/payment.ts'
import type { Asset } from '../money/asset.ts'
import type { SignRequest } from './wallet.ts'

/** What asks for payment. The two kinds are told apart by what they have: `headers` or `message`. */
export type Challenge = HttpChallenge | McpChallenge

/** A resource's answer that asks for payment, as the guarded HTTP client read it. */
export interface HttpChallenge {
  /** The URL that the guard itself dialled. */
  readonly url: URL
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/**
 * An answer to a tool call of MCP that may ask for payment, as the caller received it: whether the
 * server that it names has sent it, the guard cannot know.
 */
export interface McpChallenge {
  /** `mcp://` with the server's host, and the tool's name as the path. */
  readonly url: URL
  /** The `result` or the `error` of a JSON-RPC response, of bounded length. Plain JSON. */
  readonly message: unknown
}

/** One way to satisfy a challenge, parsed and bounded by the rail. Nothing in it is trusted yet. */
export interface Offer {
  readonly scheme: string
  /** CAIP-2, for example `eip155:8453`. */
  readonly network: string
  /** The asset's address as the rail normalises it. */
  readonly asset: string
  readonly atomic: bigint
  readonly payee: string
  /** How long a proof would be good for, already clamped by the rail. */
  readonly validForSeconds: number
  /**
   * The host that the challenge itself names, in punycode with its port, where it is another one than
   * the host that was dialled. A fact for policies and people; the merchant stays the dialled host.
   */
  readonly claimedHost?: string
  /** What the rail needs to see again in `prove`. Core carries it and never looks inside. */
  readonly echo: unknown
}

/** What a rail makes of a challenge: its offers, or why it cannot be one of them. */
export type Offers =
  | {
      readonly kind: 'offers'
      readonly offers: readonly Offer[]
      /** Why entries of the challenge are no offers, for the record: a few short texts of the rail's own. */
      readonly leftOut: readonly string[]
    }
  | { readonly kind: 'invalid'; readonly reason: string }

/** What is signed: fixed in the reserving commit, and the same in every later step. */
export interface Authorization {
  readonly paymentId: string
  readonly terms: Terms
  readonly asset: Asset
  /** The instrument's address: where the money comes from. */
  readonly payer: string
  /** 32 bytes as 0x-hex, derived from the payment's id: the chain's own key of exactly-once. */
  readonly nonce: `0x${string}`
  /** Unix seconds; from then on the chain refuses the signature. */
  readonly validBefore: number
}

/** What the wallet signed, as the rail sends it: in the same way as the challenge came. */
export type Proof = HttpProof | McpProof

/** Goes into the headers of the request. */
export interface HttpProof {
  readonly headers: Readonly<Record<string, string>>
}

/** Goes into the `_meta` of the tool call. */
export interface McpProof {
  readonly meta: Readonly<Record<string, unknown>>
}

/** The answer to what carried a proof. */
export type Answer =
  | { readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | Pick<McpChallenge, 'message'>

/** What a response says about the outcome. Never more than that. */
export type Claim =
  | { readonly outcome: 'settled'; readonly transaction?: string }
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'unknown'; readonly reason: string }

/** What the chain, or the rail's server of record, proves. */
export type Verdict =
  | { readonly outcome: 'settled'; readonly evidence: Evidence }
  | { readonly outcome: 'released'; readonly evidence: Evidence }
  | { readonly outcome: 'open'; readonly reason: string }

/** What came of asking the network to make an authorization unusable. Proof comes from `reconcile`. */
export type CancelAnswer =
  /** The network has been asked. Whether a settlement came first, only proof says. */
  | { readonly outcome: 'asked'; readonly transaction?: string }
  /** The network would not do it, because there is nothing to cancel any more. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** Nobody was asked: the rail, or its configuration, has no way to cancel this. */
  | { readonly outcome: 'unavailable'; readonly reason: string }

/** What has to be known of a payment to reconcile it. */
export interface OpenPayment extends Authorization {
  /** Unix seconds of the reservation: no proof can be older. */
  readonly reservedAt: number
  /** What the merchant claimed to be the transaction: a hint where to look, never evidence. */
  readonly claimedTransaction?: string
}

/**
 * A payment protocol. A rail never chooses, never counts and never retries: it reads, signs through
 * the function that it is given, and looks up what the network of record says.
 *
 * Throw when the network of record cannot be reached: nothing moves then. Never answer `settled` or
 * `released` on anything but proof that cannot be undone within the rail's own notion of finality.
 */
export interface Rail {
  readonly name: string
  /** Networks that the rail can reconcile on: an offer elsewhere is never taken. */
  readonly networks: readonly string[]
  /** Those of them on which `cancel` can do something; none where it never can. */
  readonly cancelNetworks: readonly string[]
  /**
   * The challenge's offers; `undefined` if it is no challenge of this rail.
   * Leave out what you do not support, and what could never settle in one of `assets`, the assets that
   * may be paid in. Call `invalid` what nobody should have sent.
   */
  offers(challenge: Challenge, assets: readonly Asset[]): Offers | undefined
  /**
   * Makes the proof for exactly this authorization, calling `sign` at most once.
   * What `sign` throws is passed on untouched.
   */
  prove(
    authorization: Authorization,
    echo: unknown,
    sign: (request: SignRequest) => Promise<`0x${string}`>,
  ): Promise<Proof>
  /** Reads the answer to the paid request. A claim of success about another payment is `unknown`. */
  read(answer: Answer, authorization: Authorization): Claim
  reconcile(payment: OpenPayment): Promise<Verdict>
  /** Unix seconds of the newest that the network has: by its time, validity is over. */
  time(network: string): Promise<number>
  /** Atomic units of the asset that the address holds now. */
  balance(asset: Asset, address: string): Promise<bigint>
  /**
   * Asks the network to make the authorization unusable, calling `sign` at most once, and only where
   * that can still help. Nothing moves by its answer: proof comes from `reconcile`.
   */
  cancel(
    payment: OpenPayment,
    sign: (request: SignRequest) => Promise<`0x${string}`>,
  ): Promise<CancelAnswer>
}
