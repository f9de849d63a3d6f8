import { type Bursar, createBursar, guardedHttp, type Wallet } from '@bursar/core'
import {
  type ProviderFault,
  type Sandbox,
  startCdpService,
  startPrivyService,
  startSandbox,
} from '@bursar/sandbox'
import { sqliteStore } from '@bursar/store-sqlite'
import { cdpWallet } from '@bursar/wallet-cdp'
import { privyWallet } from '@bursar/wallet-privy'
import { x402 } from '@bursar/x402'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outcome } from './sandbox-world.ts'

/** The fake service of a wallet provider: its members that both providers have. */
interface Service {
  rotate(): void
  expire(): void
  failNext(fault: ProviderFault): void
  readonly signed: readonly string[]
  close(): Promise<void>
}

/** A wallet provider on this machine, with a wallet that has the first credentials. */
interface Provider {
  readonly service: Service
  readonly wallet: Wallet
  /** The provider's answer to too many requests. */
  readonly throttled: unknown
}

async function cdp(): Promise<Provider> {
  const service = await startCdpService()
  const first = service.credentials()
  const wallet = cdpWallet({
    account: 'alice-wallet',
    credentials: async () => first,
    baseUrl: service.url,
  })
  return { service, wallet, throttled: { errorType: 'rate_limit_exceeded', errorMessage: '' } }
}

async function privy(): Promise<Provider> {
  const service = await startPrivyService()
  const first = service.credentials('owner')
  const wallet = privyWallet({
    wallet: 'alice-wallet',
    owner: { keyQuorumId: service.ownerQuorum },
    credentials: async () => first,
    baseUrl: service.url,
  })
  return { service, wallet, throttled: { error: 'Too many requests', code: 'too_many_requests' } }
}

describe.each([
  ['cdp', cdp],
  ['privy', privy],
] as const)('a wallet at %s', (_name, start) => {
  let sandbox: Sandbox
  let provider: Provider
  let bursar: Bursar
  let address: `0x${string}`
  let token: string

  beforeAll(async () => {
    sandbox = await startSandbox()
    provider = await start()
    const { network, rpcUrl, asset, hosts } = sandbox
    bursar = createBursar({
      store: sqliteStore({ path: ':memory:', clock: sandbox.clock }),
      rails: [x402({ networks: { [network]: { rpcUrl } } })],
      assets: [asset],
      instruments: { 'alice-wallet': { endUser: 'alice', wallet: provider.wallet } },
      http: guardedHttp({ development: { hosts } }),
    })
    address = (await provider.wallet.address('evm')) as `0x${string}`
    await sandbox.fund(address, '1.00')
    const { id } = await bursar.endUser('alice').grantDelegation({
      agent: 'researcher',
      instrument: 'alice-wallet',
      expiresIn: '1d',
      merchants: hosts.map((host) => ({ host })),
      limits: { currency: 'USD', total: '1.00' },
      consent: { how: 'test' },
    })
    const limits = { currency: 'USD', total: '0.10' }
    const opened = await bursar.management.createSession({
      delegation: id,
      expiresIn: '1h',
      limits,
    })
    token = opened.token
  })
  afterAll(async () => {
    await bursar.close()
    await provider.service.close()
    await sandbox.stop()
  })

  const spent = async () => 1_000_000n - (await sandbox.balanceOf(address))
  const held = async () => (await bursar.endUser('alice').delegations()).rows[0]?.held
  const pay = async (item: number) => {
    const { url: shop } = sandbox.merchants.honest
    const request = { url: `${shop}/item/${item}`, purpose: 'to have it' }
    return outcome(await bursar.openSession(token).pay(request, { id: `call-${item}` }))
  }

  test('pays on the chain', async () => {
    expect(await pay(1)).toBe('paid')
    expect(await spent()).toBe(10_000n)
    await sandbox.mine(2)
    expect(await bursar.reconcile()).toMatchObject({ settled: 1, open: 0 })
  })

  test('that is throttled has signed nothing, and nothing stays held', async () => {
    const before = await spent()
    provider.service.failNext({ kind: 'status', status: 429, body: provider.throttled })
    expect(await pay(2)).toBe('wallet_unavailable')
    expect(await held()).toBe('0.00')
    expect(await spent()).toBe(before)
  })

  test('whose answer is lost leaves doubt, and the hold until the chain has proved the outcome', async () => {
    const before = await spent()
    const signed = provider.service.signed.length
    provider.service.failNext({ kind: 'drop-after' })
    expect(await pay(3)).toBe('in_doubt')
    expect(provider.service.signed.length).toBe(signed + 1)
    expect(await held()).toBe('0.01')
    expect(await bursar.reconcile()).toMatchObject({ released: 0, open: 1 })
    await sandbox.advanceTime(3_600)
    expect(await bursar.reconcile()).toMatchObject({ released: 1, open: 0 })
    expect(await spent()).toBe(before)
  })

  test('whose credentials were rotated away signs nothing, and says so', async () => {
    provider.service.rotate()
    provider.service.expire()
    const limits = { currency: 'USD', total: '0.10' }
    const [delegation] = (await bursar.endUser('alice').delegations()).rows
    const given = { delegation: `${delegation?.id}`, expiresIn: '1h', limits }
    token = (await bursar.management.createSession(given)).token
    expect(await pay(4)).toBe('credential_expired')
    expect(await held()).toBe('0.00')
  })
})
