import { BursarError } from '../primitives/errors.ts'

/** A sign request to move one amount to one payee: an EIP-3009 `TransferWithAuthorization`. */
export interface TransferAuthorization {
  readonly kind: 'transfer-authorization'
  readonly family: 'evm'
  readonly token: SigningToken
  readonly from: string
  readonly to: string
  /** The amount in atomic units of the token. */
  readonly value: bigint
  /** The start of the validity, in Unix seconds. */
  readonly validAfter: bigint
  /** The end of the validity, in Unix seconds. */
  readonly validBefore: bigint
  readonly nonce: `0x${string}`
}

/** A sign request to make an unused authorization void: an EIP-3009 `CancelAuthorization`. */
export interface CancelAuthorization {
  readonly kind: 'cancel-authorization'
  readonly family: 'evm'
  readonly token: SigningToken
  readonly authorizer: string
  readonly nonce: `0x${string}`
}

/** The contract of a pinned asset, and its EIP-712 domain. */
export interface SigningToken {
  readonly chainId: number
  readonly address: string
  readonly name: string
  readonly version: string
}

/** The requests that a wallet can be asked to sign. No request is a raw transaction. */
export type SignRequest = TransferAuthorization | CancelAuthorization

/**
 * The answer of a wallet: a signature, or `notSigned` if the provider's answer proves that it made none. An
 * error or a timeout leaves the payment in doubt. `reason` is recorded for the operator, and must hold no
 * part of a credential.
 */
export type SignResult =
  | { readonly signature: `0x${string}` }
  | { readonly notSigned: 'wallet_unavailable' | 'credential_expired'; readonly reason: string }

/**
 * The code that signs for an instrument. Only the guard's signing gateway calls `sign`, at most once for a
 * payment. If you implement it, keep the account itself out of reach: the wallet signs sign requests only.
 */
export interface Wallet {
  /** The kinds of block chain that the wallet signs for. */
  readonly families: readonly 'evm'[]
  /** Returns the wallet's address. */
  address(family: 'evm'): Promise<string>
  /** Signs one request. */
  sign(request: SignRequest): Promise<SignResult>
}

/**
 * Checks that a wallet may sign a request: it is one of the two kinds, and from the wallet's address. Throws
 * `invalid_input`, naming the wallet, if not. Call it first in your implementation of `sign`.
 *
 * @example
 * ```ts
 * import type { Wallet } from '@bursar/core'
 *
 * const address = '0x00000000000000000000000000000000000000a1'
 * const wallet: Wallet = {
 *   families: ['evm'],
 *   address: async () => address,
 *   sign: async (request) => {
 *     assertOwnRequest(request, address, 'myWallet')
 *     return { notSigned: 'wallet_unavailable', reason: 'this wallet has no key' }
 *   },
 * }
 * ```
 */
export function assertOwnRequest(request: SignRequest, address: string, wallet: string): void {
  const kind: unknown = request?.kind
  const from =
    request?.kind === 'transfer-authorization'
      ? request.from
      : request?.kind === 'cancel-authorization'
        ? request.authorizer
        : undefined
  if (from === undefined) {
    throw new BursarError('invalid_input', `${wallet}: kind: '${kind}' cannot be signed.`)
  }
  if (`${from}`.toLowerCase() !== address.toLowerCase()) {
    throw new BursarError('invalid_input', `${wallet}: ${address} cannot sign for ${from}.`)
  }
}

/**
 * Returns a UUID that names a sign request to a provider, as an idempotency key. Sending a request again
 * gives an equal key, because it is made of the request's kind and nonce.
 *
 * @example
 * ```ts
 * import type { SignRequest } from '@bursar/core'
 *
 * function idempotencyHeaders(request: SignRequest): Record<string, string> {
 *   return { 'x-idempotency-key': signingKeyOf(request) }
 * }
 * ```
 */
export function signingKeyOf({ kind, nonce }: SignRequest): string {
  const hex = nonce.slice(2).padEnd(32, '0')
  const version = kind === 'transfer-authorization' ? '4' : '5'
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `${version}${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}

/** The EIP-712 typed data of a sign request, in the shape that `signTypedData` of most wallets takes. */
export interface TypedData {
  readonly domain: {
    readonly name: string
    readonly version: string
    readonly chainId: number
    readonly verifyingContract: `0x${string}`
  }
  readonly types: Readonly<
    Record<string, readonly { readonly name: string; readonly type: string }[]>
  >
  readonly primaryType: string
  readonly message: Readonly<Record<string, string | bigint>>
}

const transferTypes = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

const cancelTypes = {
  CancelAuthorization: [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

/**
 * Returns the EIP-712 typed data of a sign request, as EIP-3009 defines it.
 *
 * @example
 * ```ts
 * import type { SignRequest } from '@bursar/core'
 *
 * function describeRequest(request: SignRequest): string {
 *   return typedDataOf(request).primaryType // such as 'TransferWithAuthorization'
 * }
 * ```
 */
export function typedDataOf(request: SignRequest): TypedData {
  const { chainId, address, name, version } = request.token
  const domain = { name, version, chainId, verifyingContract: address as `0x${string}` }
  switch (request.kind) {
    case 'transfer-authorization': {
      const { from, to, value, validAfter, validBefore, nonce } = request
      return {
        domain,
        types: transferTypes,
        primaryType: 'TransferWithAuthorization',
        message: { from, to, value, validAfter, validBefore, nonce },
      }
    }
    case 'cancel-authorization': {
      const { authorizer, nonce } = request
      return {
        domain,
        types: cancelTypes,
        primaryType: 'CancelAuthorization',
        message: { authorizer, nonce },
      }
    }
    default:
      return request satisfies never
  }
}
