import { BursarError } from '../primitives/errors.ts'

/** Permission to move exactly one amount to one payee (EIP-3009 `TransferWithAuthorization`). */
export interface TransferAuthorization {
  readonly kind: 'transfer-authorization'
  readonly family: 'evm'
  readonly token: SigningToken
  readonly from: string
  readonly to: string
  /** Atomic units. */
  readonly value: bigint
  /** Unix seconds. */
  readonly validAfter: bigint
  readonly validBefore: bigint
  readonly nonce: `0x${string}`
}

/** Makes an authorization of ours unusable (EIP-3009 `CancelAuthorization`). */
export interface CancelAuthorization {
  readonly kind: 'cancel-authorization'
  readonly family: 'evm'
  readonly token: SigningToken
  readonly authorizer: string
  readonly nonce: `0x${string}`
}

/** The token contract and its EIP-712 domain, from the pinned table of assets. */
export interface SigningToken {
  readonly chainId: number
  readonly address: string
  readonly name: string
  readonly version: string
}

/** Everything that a wallet can be asked to sign. Nothing here can send a raw transaction. */
export type SignRequest = TransferAuthorization | CancelAuthorization

/**
 * A signature; or `notSigned`, only where the provider's answer proves that none was made.
 * A throw or a timeout is doubt, and keeps the hold. `reason` is recorded for the operator: nothing
 * of a credential is in it.
 */
export type SignResult =
  | { readonly signature: `0x${string}` }
  | { readonly notSigned: 'wallet_unavailable' | 'credential_expired'; readonly reason: string }

/**
 * The code that signs for an instrument. A full account must not be reachable through it.
 * `sign` is called at most once for a payment, and only by the gateway in the guard.
 */
export interface Wallet {
  readonly families: readonly 'evm'[]
  address(family: 'evm'): Promise<string>
  sign(request: SignRequest): Promise<SignResult>
}

/**
 * What every wallet checks before it signs: one of the two kinds of request, from its own address.
 * Throws `invalid_input`, in the name of the wallet, and then nothing may be signed.
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
 * Names a sign request to a provider, as a UUID: a nonce is used once, so whoever sends the same request
 * again gets the same signature.
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

/** A sign request as EIP-712 typed data, in the shape that wallets' `signTypedData` take. */
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

/** The EIP-712 typed data of a sign request (EIP-3009, sections on transfer and cancellation). */
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
