import {
  assertOwnRequest,
  BursarError,
  type SignResult,
  type TypedData,
  typedDataOf,
  type Wallet,
} from '@bursar/core'

/** The members of an account that the wallet uses. Any local account of viem has them. */
export interface TypedDataAccount {
  /** The account's address, `0x` and 40 hex digits. */
  readonly address: string
  /** Signs EIP-712 typed data. */
  signTypedData(typedData: TypedData): Promise<`0x${string}`>
}

/** The options of `viemWallet`. */
export interface ViemWalletOptions {
  /** The account that signs, such as the result of `privateKeyToAccount`. */
  readonly account: TypedDataAccount
}

/**
 * Makes a wallet from a viem account, restricted to the account's address and to signing payments.
 *
 * The account cannot be reached through the wallet, also not by printing or serialising it. Throws
 * `invalid_input` if `account` has no valid address or no `signTypedData`. `sign` throws
 * `invalid_input` without signing if the request names another payer. It passes the account's own
 * errors on: the payment is then in doubt, because the account may have signed.
 *
 * @example
 * ```ts
 * import { viemWallet } from '@bursar/wallet-viem'
 * import { privateKeyToAccount } from 'viem/accounts'
 *
 * declare const key: `0x${string}`
 *
 * const wallet = viemWallet({ account: privateKeyToAccount(key) })
 * ```
 */
export function viemWallet(options: ViemWalletOptions): Wallet {
  const { address, signTypedData } = restrictWalletAccount(options)
  return {
    families: ['evm'],
    address: async () => address,
    async sign(request): Promise<SignResult> {
      assertOwnRequest(request, address, 'viemWallet')
      const signature: unknown = await signTypedData(typedDataOf(request))
      if (typeof signature === 'string' && /^0x(?:[0-9a-fA-F]{2})+$/.test(signature)) {
        return { signature: signature as `0x${string}` }
      }
      throw new BursarError('signature_invalid', 'The account returned no signature.')
    },
  }
}

function restrictWalletAccount(options: ViemWalletOptions): {
  readonly address: string
  readonly signTypedData: TypedDataAccount['signTypedData']
} {
  const account: Partial<TypedDataAccount> | null | undefined = options?.account
  const { address } = account ?? {}
  if (typeof address !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(address)) {
    throw new BursarError(
      'invalid_input',
      'viemWallet: account.address: must be 0x and 40 hex digits.',
    )
  }
  if (typeof account?.signTypedData !== 'function') {
    throw new BursarError(
      'invalid_input',
      'viemWallet: account.signTypedData: must be a function. An account without its own key, such as ' +
        'that of a browser wallet, cannot sign here.',
    )
  }
  return { address, signTypedData: account.signTypedData.bind(account) }
}
