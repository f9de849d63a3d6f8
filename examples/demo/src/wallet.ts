import type { Instrument } from '@bursar/core'
import { type Sandbox, startCdpService, startPrivyService } from '@bursar/sandbox'
import { cdpWallet } from '@bursar/wallet-cdp'
import { privyPermissions, privyWallet } from '@bursar/wallet-privy'
import { viemWallet } from '@bursar/wallet-viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { WalletKind } from './command-line.ts'

/** Alice's wallet, with the secrets that must never be seen. */
export interface DemoWallet {
  /** The keeper of its key, for people to read. */
  readonly keeper: string
  readonly address: `0x${string}`
  readonly instrument: Instrument
  readonly secrets: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** Opens a wallet of one kind, and funds it from the sandbox, because the guard cannot. */
export async function openWallet(
  kind: WalletKind,
  sandbox: Sandbox,
  funds: string,
): Promise<DemoWallet> {
  const opened = await openers[kind](sandbox)
  const address = (await opened.instrument.wallet.address('evm')) as `0x${string}`
  await sandbox.fund(address, funds)
  return { ...opened, address }
}

type Opener = (sandbox: Sandbox) => Promise<Omit<DemoWallet, 'address'>>

const openers: Readonly<Record<WalletKind, Opener>> = {
  async viem(sandbox) {
    const { privateKey } = await sandbox.createAccount()
    const wallet = viemWallet({ account: privateKeyToAccount(privateKey) })
    return {
      keeper: 'its key is in this process',
      instrument: { endUser: 'alice', wallet },
      secrets: { 'the private key': privateKey.slice(2) },
      close: async () => {},
    }
  },

  // For the real thing: leave `baseUrl` out, and seal the credentials: docs/recipes/seal-credentials.md.
  async cdp() {
    const service = await startCdpService()
    const credentials = async () => service.credentials()
    const wallet = cdpWallet({ account: 'alice-wallet', credentials, baseUrl: service.url })
    const { apiKeySecret, walletSecret } = service.credentials()
    return {
      keeper: 'its key is with Coinbase CDP, played by the sandbox',
      instrument: { endUser: 'alice', wallet },
      secrets: { 'the key of the API': apiKeySecret, 'the wallet secret': walletSecret },
      close: () => service.close(),
    }
  },

  async privy() {
    const service = await startPrivyService()
    const { url: baseUrl, policy, signerQuorum } = service
    const wallet = privyWallet({
      wallet: 'alice-wallet',
      owner: { userId: 'did:privy:alice' },
      signer: { keyQuorumId: signerQuorum, policyId: policy },
      credentials: async () => service.credentials(),
      baseUrl,
    })
    const permissions = privyPermissions({
      policy,
      credentials: async () => service.credentials('owner'),
      baseUrl,
    })
    const { appSecret, authorizationKey } = service.credentials()
    return {
      keeper: 'its key is with Privy, played by the sandbox; a policy there holds what it may sign',
      instrument: { endUser: 'alice', wallet, permissions },
      secrets: { 'the secret of the app': appSecret, 'the signing key': authorizationKey },
      close: () => service.close(),
    }
  },
}
