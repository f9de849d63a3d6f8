import {
  assertOwnRequest,
  type SignResult,
  type TypedData,
  typedDataOf,
  type Wallet,
} from '@bursar/core'

/** A custody provider's client for signatures, as one might look. */
export interface CustodyClient {
  /** Rejects with a `CustodyRefusal` where the provider says that it did not sign. */
  signTypedData(data: TypedData): Promise<`0x${string}`>
}

/** The provider's own word that there is no signature. */
export class CustodyRefusal extends Error {
  readonly reason: 'key expired' | 'overloaded'

  constructor(reason: 'key expired' | 'overloaded') {
    super(reason)
    this.reason = reason
  }
}

// #region wallet
/** A wallet whose key is with a provider. */
export function custodyWallet(client: CustodyClient, address: string): Wallet {
  return {
    families: ['evm'],
    address: async () => address,
    async sign(request): Promise<SignResult> {
      assertOwnRequest(request, address, 'custodyWallet')
      try {
        return { signature: await client.signTypedData(typedDataOf(request)) }
      } catch (error) {
        // Only what proves that nothing was signed may be answered: everything else is thrown.
        if (!(error instanceof CustodyRefusal)) throw error
        return error.reason === 'key expired'
          ? { notSigned: 'credential_expired', reason: error.message }
          : { notSigned: 'wallet_unavailable', reason: error.message }
      }
    },
  }
}
// #endregion
