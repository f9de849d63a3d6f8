import type { Wallet } from '@bursar/core'
import { cdpWallet } from '@bursar/wallet-cdp'
import { privyWallet } from '@bursar/wallet-privy'

/** A wallet at a real service, with credentials from the environment. */
export interface LiveWallet {
  /** The required variables. The first is a name; the others are secrets. */
  readonly variables: readonly string[]
  /** The optional variable that names another address of the service. */
  readonly urlVariable: string
  open(values: readonly string[], baseUrl: string | undefined): Wallet
}

/** The name of the account at the provider: created once, and without funds. */
const NAME = 'bursar-live-test'

export const liveWallets: Readonly<Record<string, LiveWallet>> = {
  cdp: {
    variables: ['CDP_API_KEY_ID', 'CDP_API_KEY_SECRET', 'CDP_WALLET_SECRET'],
    urlVariable: 'CDP_URL',
    open([apiKeyId = '', apiKeySecret = '', walletSecret = ''], baseUrl) {
      const credentials = async () => ({ apiKeyId, apiKeySecret, walletSecret })
      return cdpWallet({ account: NAME, credentials, baseUrl })
    },
  },
  privy: {
    variables: [
      'PRIVY_APP_ID',
      'PRIVY_APP_SECRET',
      'PRIVY_AUTHORIZATION_KEY',
      'PRIVY_KEY_QUORUM_ID',
    ],
    urlVariable: 'PRIVY_URL',
    open([appId = '', appSecret = '', authorizationKey = '', keyQuorumId = ''], baseUrl) {
      const credentials = async () => ({ appId, appSecret, authorizationKey })
      return privyWallet({ wallet: NAME, owner: { keyQuorumId }, credentials, baseUrl })
    },
  },
}

/** Returns the values of the variables, and the names of the missing ones. */
export function valuesOf({ variables }: LiveWallet): {
  readonly values: readonly string[]
  readonly missing: readonly string[]
} {
  const values = variables.map((name) => process.env[name] ?? '')
  return { values, missing: variables.filter((_name, at) => values[at] === '') }
}
