import {
  assertOwnRequest,
  BursarError,
  type SignResult,
  type TypedData,
  typedDataOf,
  type Wallet,
} from '@bursar/core'

/** What the wallet needs of an account: any local account of viem has it, and many others do. */
export interface TypedDataAccount {
  readonly address: string
  signTypedData(typedData: TypedData): Promise<`0x${string}`>
}

/** Settings of the wallet. */
export interface ViemWalletOptions {
  readonly account: TypedDataAccount
}

/**
 * Makes a wallet of a viem account, reduced to its address and to signing payments.
 *
 * Whatever else the account can do cannot be reached through the wallet, and printing or
 * serialising the wallet shows nothing of it. Throws `invalid_input` if the account is none. `sign`
 * throws `invalid_input`, with nothing signed, for a request that is not from this account; what
 * the account throws is passed on, for then it is not known whether it signed.
 *
 * @example
 * const wallet = viemWallet({ account: privateKeyToAccount(key) })
 */
export function viemWallet(options: ViemWalletOptions): Wallet {
  const { address, signTypedData } = reduce(options)
  return {
    families: ['evm'],
    address: async () => address,
    async sign(request): Promise<SignResult> {
      assertOwnRequest(request, address, 'viemWallet')
      const signature: unknown = await signTypedData(typedDataOf(request))
      if (typeof signature === 'string' && /^0x(?:[0-9a-fA-F]{2})+$/.test(signature)) {
        return { signature: signature as `0x${string}` }
      }
      throw new BursarError('signature_invalid', 'The account answered with what is no signature.')
    },
  }
}

function reduce(options: ViemWalletOptions): {
  readonly address: string
  readonly signTypedData: TypedDataAccount['signTypedData']
} {
  const account: Partial<TypedDataAccount> | null | undefined = options?.account
  const { address } = account ?? {}
  if (typeof address !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(address)) {
    throw new BursarError(
      'invalid_input',
      `viemWallet: account.address: must be an address such as 0x… with 40 hex digits.`,
    )
  }
  if (typeof account?.signTypedData !== 'function') {
    throw new BursarError(
      'invalid_input',
      'viemWallet: account.signTypedData: must be a function; an account without a key of its own, ' +
        'as of a browser wallet, cannot sign here.',
    )
  }
  return { address, signTypedData: account.signTypedData.bind(account) }
}
