import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Wallet } from '@bursar/core'
import { type Sandbox, startCdpService, startPrivyService, startSandbox } from '@bursar/sandbox'
import { type CdpWalletOptions, cdpWallet } from '@bursar/wallet-cdp'
import { privyWallet } from '@bursar/wallet-privy'
import { viemWallet } from '@bursar/wallet-viem'
import { localKey, type OpenedSecret } from 'bursar'
import { privateKeyToAccount } from 'viem/accounts'
import {
  type ChangeableVault,
  changeableVault,
} from '../../packages/service/server/test/changeable-vault.ts'

/** A wallet with a sealed secret, and the service that issues the secret. */
export interface SealedWallet {
  readonly name: string
  readonly address: `0x${string}`
  /** Returns the newest secret that the provider accepts, as it is sealed. */
  newest(): string
  /** The requests that the provider received; absent for a local key. */
  readonly log?: readonly string[]
  /** Makes the provider accept only a new secret from now on; absent for a local key. */
  readonly renew?: () => void
  wallet(secret: OpenedSecret): Wallet
  close(): Promise<void>
}

/** A wallet of each kind, each with its secret in one vault. */
export interface SealedWorld {
  readonly sandbox: Sandbox
  readonly vault: ChangeableVault
  readonly folder: string
  readonly wallets: readonly SealedWallet[]
  /** The secrets that must be seen nowhere. */
  canaries(): readonly string[]
  stop(): Promise<void>
}

export async function sealedWorld(): Promise<SealedWorld> {
  const sandbox = await startSandbox()
  const folder = mkdtempSync(join(tmpdir(), 'bursar-vault-'))
  const keyFile = join(folder, 'bursar.key')
  const keys = [localKey({ path: keyFile })]
  const vault = changeableVault({ database: join(folder, 'bursar.vault'), keys })
  const wallets = [await keyed(sandbox), await cdp(sandbox), await privy(sandbox)]
  const seen = new Set<string>()
  const note = (text: string): string => {
    const parts: Readonly<Record<string, string>> = text.startsWith('{')
      ? JSON.parse(text)
      : { key: text }
    for (const [name, part] of Object.entries(parts)) {
      // The name of a credential is not secret.
      if (!/Id$/.test(name)) seen.add(part)
    }
    return text
  }
  for (const one of wallets) await vault.put(one.name, Buffer.from(one.newest()))
  return {
    sandbox,
    vault,
    folder,
    wallets,
    canaries() {
      for (const one of wallets) note(one.newest())
      return [...seen, readFileSync(keyFile, 'utf8').trim()]
    },
    async stop() {
      for (const one of wallets) await one.close()
      await sandbox.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

async function keyed(sandbox: Sandbox): Promise<SealedWallet> {
  const { address, privateKey } = await sandbox.createAccount('1.00')
  return {
    name: 'key',
    address,
    newest: () => privateKey,
    // #region viem
    wallet: (secret) =>
      viemWallet({ account: privateKeyToAccount(secret.text() as `0x${string}`) }),
    // #endregion
    close: async () => {},
  }
}

async function cdp(sandbox: Sandbox): Promise<SealedWallet> {
  const service = await startCdpService()
  const of = (options: Pick<CdpWalletOptions, 'address' | 'credentials'>): Wallet =>
    cdpWallet({ account: 'alice-wallet', baseUrl: service.url, ...options })
  const address = await funded(sandbox, of({ credentials: async () => service.credentials() }))
  return {
    name: 'cdp',
    address,
    log: service.log,
    newest: () => JSON.stringify(service.credentials()),
    renew() {
      service.rotate()
      service.expire()
    },
    wallet: (secret) =>
      of({
        address,
        credentials: async () => secret.fields('apiKeyId', 'apiKeySecret', 'walletSecret'),
      }),
    close: () => service.close(),
  }
}

async function privy(sandbox: Sandbox): Promise<SealedWallet> {
  const service = await startPrivyService()
  const newest = () => service.credentials('owner')
  const of = (credentials: () => Promise<ReturnType<typeof newest>>): Wallet =>
    privyWallet({
      wallet: 'alice-wallet',
      owner: { keyQuorumId: service.ownerQuorum },
      credentials,
      baseUrl: service.url,
    })
  return {
    name: 'privy',
    address: await funded(
      sandbox,
      of(async () => newest()),
    ),
    log: service.log,
    newest: () => JSON.stringify(newest()),
    renew() {
      service.rotate()
      service.expire()
    },
    wallet: (secret) => of(async () => secret.fields('appId', 'appSecret', 'authorizationKey')),
    close: () => service.close(),
  }
}

async function funded(sandbox: Sandbox, wallet: Wallet): Promise<`0x${string}`> {
  const address = (await wallet.address('evm')) as `0x${string}`
  await sandbox.fund(address, '1.00')
  return address
}
