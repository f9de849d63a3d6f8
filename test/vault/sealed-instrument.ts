import type { Instrument } from '@bursar/core'
import { privyPermissions, privyWallet } from '@bursar/wallet-privy'
import type { Vault } from 'bursar'

/** Creates an instrument at Privy, which signs as an additional signer under a policy. */
export function sealedInstrument(
  vault: Vault,
  address: string,
  signer: { readonly keyQuorumId: string; readonly policyId: string },
): Instrument {
  // #region instrument
  const instrument: Instrument = {
    endUser: 'alice',
    wallet: vault.wallet({
      secret: 'privy',
      address,
      wallet: (secret) =>
        privyWallet({
          wallet: 'alice-wallet',
          owner: { userId: 'did:privy:alice' },
          signer,
          credentials: async () => secret.fields('appId', 'appSecret', 'authorizationKey'),
        }),
    }),
    permissions: vault.permissions({
      secret: 'privy-owner', // not the one that signs
      permissions: (secret) =>
        privyPermissions({
          policy: signer.policyId,
          credentials: async () => secret.fields('appId', 'appSecret', 'authorizationKey'),
        }),
    }),
  }
  // #endregion
  return instrument
}
