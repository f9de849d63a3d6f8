import { inspect } from 'node:util'
import { type SignRequest, typedDataOf, type Wallet } from '@bursar/core'
import { testWallet } from '@bursar/core/testing'
import { type PrivyService, startPrivyService } from '@bursar/sandbox'
import { PrivyClient } from '@privy-io/node'
import { createViemAccount } from '@privy-io/node/viem'
import { recoverTypedDataAddress } from 'viem'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { status, testProviderFaults } from '../../../../test/provider-wallets/provider-faults.ts'
import { type PrivyWalletOptions, privyWallet } from './privy-wallet.ts'

let service: PrivyService
beforeAll(async () => {
  service = await startPrivyService()
})
afterAll(() => service.close())

const optionsOf = (wallet: string): PrivyWalletOptions => ({
  wallet,
  owner: { keyQuorumId: service.ownerQuorum },
  credentials: async () => service.credentials('owner'),
  baseUrl: service.url,
})
const walletOf = (wallet: string) => privyWallet(optionsOf(wallet))

testWallet(
  'privyWallet',
  async () => ({
    wallet: walletOf('conformance'),
    async verify(address, request, signature) {
      const signer = await recoverTypedDataAddress({ ...typedDataOf(request), signature })
      return signer === address
    },
    secrets: [
      service.credentials('owner').appSecret,
      service.credentials('owner').authorizationKey,
    ],
  }),
  { describe, test, expect },
)

test('asks for credentials when they are needed, and not before', () => {
  const asked: string[] = []
  const secrets = {
    open: async (name: string) => {
      asked.push(name)
      return service.credentials()
    },
  }
  const { signerQuorum: keyQuorumId, policy: policyId } = service
  // #region use
  const wallet: Wallet = privyWallet({
    wallet: 'alice-wallet',
    // The owner, and a signer limited by a policy: used if the wallet has to be created.
    owner: { userId: 'did:privy:alice' },
    signer: { keyQuorumId, policyId },
    // Called for each request. Fetch them from your vault.
    credentials: () => secrets.open('privy'),
  })
  // #endregion
  expect(wallet.families).toEqual(['evm'])
  expect(asked).toEqual([])
})

test('an SDK that cannot be loaded is told as such, and asks for no credentials', async () => {
  vi.doMock('@privy-io/node', () => {
    throw new Error('It is not there.')
  })
  onTestFinished(() => void vi.doUnmock('@privy-io/node'))
  const credentials = vi.fn(async () => service.credentials('owner'))
  const wallet = privyWallet({ ...optionsOf('unloaded'), credentials })
  await expect(wallet.address('evm')).rejects.toMatchObject({
    code: 'wallet_unavailable',
    message: 'privyWallet: @privy-io/node could not be loaded. Install it.',
  })
  expect(credentials).not.toHaveBeenCalled()
})

let nonces = 0

async function requestOf(wallet: string): Promise<SignRequest> {
  nonces += 1
  return {
    kind: 'cancel-authorization',
    family: 'evm',
    token: { chainId: 1, address: `0x${'1'.repeat(40)}`, name: 'Test USD', version: '1' },
    authorizer: await walletOf(wallet).address('evm'),
    nonce: `0x${nonces.toString(16).padStart(8, '0').padEnd(64, '0')}`,
  }
}

describe('the wallet', () => {
  test('is created once, and found by its external id from then on', async () => {
    const addresses = await Promise.all(
      Array.from({ length: 8 }, () => walletOf('alice_1').address('evm')),
    )
    expect(new Set(addresses).size).toBe(1)
    const again = walletOf('alice_1')
    const created = () => service.log.filter((line) => line === 'POST /v1/wallets 200').length
    const before = created()
    expect(await again.address('evm')).toBe(addresses[0])
    expect(created()).toBe(before)
  })

  test('that is known is not looked up, and signs by one request', async () => {
    const request = await requestOf('known')
    const { appId, appSecret } = service.credentials('owner')
    const official = new PrivyClient({ appId, appSecret, apiUrl: service.url })
    const [found] = (await official.wallets().list({ external_id: 'known' })).data
    const known = { id: `${found?.id}`, address: `${found?.address}` }
    const wallet = privyWallet({ ...optionsOf('known'), known })
    const before = service.log.length
    expect(await wallet.address('evm')).toBe(known.address)
    expect(await wallet.sign(request)).toHaveProperty('signature')
    expect(service.log.slice(before)).toEqual([`POST /v1/wallets/${known.id}/rpc 200`])
    for (const wrong of [
      { ...known, id: 'a/b' },
      { ...known, address: 'alice' },
    ]) {
      const problem = 'privyWallet: known: must be { id, address }'
      expect(() => privyWallet({ ...optionsOf('known'), known: wrong })).toThrow(problem)
    }
  })

  test('is the one that the official client finds, with the same signature', async () => {
    const { appId, appSecret, authorizationKey } = service.credentials('owner')
    const official = new PrivyClient({ appId, appSecret, apiUrl: service.url })
    const request = await requestOf('shared')
    const [found] = (await official.wallets().list({ external_id: 'shared' })).data
    expect(found?.address).toBe(await walletOf('shared').address('evm'))
    const account = createViemAccount(official, {
      walletId: `${found?.id}`,
      address: found?.address as `0x${string}`,
      authorizationContext: { authorization_private_keys: [authorizationKey] },
    })
    const signature = await account.signTypedData(typedDataOf(request))
    expect(await walletOf('shared').sign(request)).toEqual({ signature })
  })

  test('of a signer is given to it with its policy, and belongs to its user', async () => {
    const wallet = privyWallet({
      ...optionsOf('of-a-user'),
      owner: { userId: 'did:privy:alice' },
      signer: { keyQuorumId: service.signerQuorum, policyId: service.policy },
      credentials: async () => service.credentials(),
    })
    await wallet.address('evm')
    const { appId, appSecret } = service.credentials()
    const official = new PrivyClient({ appId, appSecret, apiUrl: service.url })
    const [found] = (await official.wallets().list({ external_id: 'of-a-user' })).data
    expect(found).toMatchObject({
      owner_id: 'quorum of did:privy:alice',
      additional_signers: [
        { signer_id: service.signerQuorum, override_policy_ids: [service.policy] },
      ],
    })
    expect(await wallet.sign(await requestOf('of-a-user'))).toEqual({
      notSigned: 'wallet_unavailable',
      reason: 'Privy answered 400: policy_violation',
    })
  })

  test.each(['', 'a/b', 'ä', 'x'.repeat(65)])('%j is no name', (wallet) => {
    const problem = expect.objectContaining({ code: 'invalid_input' })
    expect(() => walletOf(wallet)).toThrow(problem)
  })

  test.each([undefined, {}, { userId: '' }, { keyQuorumId: 1 }])('%j is no owner', (owner) => {
    const options = { ...optionsOf('no-owner'), owner } as PrivyWalletOptions
    expect(() => privyWallet(options)).toThrow(/privyWallet: owner: must be/)
  })
})

describe('signing', () => {
  const refused: [string, number, string, string][] = [
    ['throttled', 429, 'too_many_requests', 'wallet_unavailable'],
    ['forbidden by a policy at the provider', 400, 'policy_violation', 'wallet_unavailable'],
    ['a credential that is refused', 401, 'no_valid_user_session_keys', 'credential_expired'],
  ]
  test.each(refused)('%s is known not to be signed', async (_what, status, type, code) => {
    const request = await requestOf('refusals')
    service.failNext({ kind: 'status', status, body: { error: 'no', code: type } })
    const before = service.signed.length
    expect(await walletOf('refusals').sign(request)).toEqual({
      notSigned: code,
      reason: `Privy answered ${status}: ${type}`,
    })
    expect(service.signed.length).toBe(before)
  })

  testProviderFaults({ service: () => service, walletOf, requestOf, signPath: '/rpc' }, [
    ['an error of the service', status(500, { error: 'Something went wrong', code: 'internal' })],
    ['a gateway that forbids in JSON', status(403, { title: 'blocked' })],
    ['a time that was over', status(408, { error: 'timeout' })],
    ['a throttled request that names no reason', status(429, '')],
    ['the same request under way', status(409, { error: 'conflict' })],
    ['a success without a signature', status(200, { method: 'eth_signTypedData_v4', data: {} })],
    ['a success that is nothing', status(200, null)],
    ['a signature of something else', status(200, { data: { signature: `0x${'11'.repeat(65)}` } })],
  ])

  test('an answer without an end is doubt', async () => {
    const request = await requestOf('large')
    service.failNext(status(200, { data: { signature: `0x${'00'.repeat(600_000)}` } }))
    await expect(walletOf('large').sign(request)).rejects.toMatchObject({
      code: 'wallet_answer_lost',
    })
  })
})

describe('credentials', () => {
  test('are fetched for each request, so that rotated ones are used at once', async () => {
    const wallet = walletOf('rotating')
    service.rotate()
    expect(await wallet.sign(await requestOf('rotating'))).toHaveProperty('signature')
    service.expire()
    expect(await wallet.sign(await requestOf('rotating'))).toHaveProperty('signature')
  })

  test('that are too old are refused, and nothing is signed', async () => {
    const old = service.credentials('owner')
    const wallet = privyWallet({ ...optionsOf('rotating'), credentials: async () => old })
    const request = await requestOf('rotating')
    await wallet.address('evm')
    service.rotate()
    service.expire()
    expect(await wallet.sign(request)).toEqual({
      notSigned: 'credential_expired',
      reason: 'Privy answered 401: invalid_app_credentials',
    })
    const mixed = { ...service.credentials('owner'), authorizationKey: old.authorizationKey }
    const keyOnly = privyWallet({ ...optionsOf('rotating'), credentials: async () => mixed })
    expect(await keyOnly.sign(request)).toEqual({
      notSigned: 'credential_expired',
      reason: 'Privy answered 401: zero_correct_authorization_signatures',
    })
    const another = privyWallet({ ...optionsOf('another'), credentials: async () => old })
    const problem = expect.objectContaining({ code: 'credential_expired' })
    await expect(another.address('evm')).rejects.toThrow(problem)
  })

  const broken: [string, () => Promise<never>, string][] = [
    ['that cannot be fetched', () => Promise.reject(new Error('canary-1')), 'wallet_unavailable'],
    [
      'whose key is none',
      async () => ({ ...service.credentials('owner'), authorizationKey: 'canary-2' }) as never,
      'credential_expired',
    ],
    ['that are nothing', async () => undefined as never, 'credential_expired'],
  ]
  test.each(broken)('%s sign nothing, and are not shown', async (_what, credentials, code) => {
    let works = true
    const wallet = privyWallet({
      ...optionsOf('rotating'),
      credentials: async () => (works ? service.credentials('owner') : credentials()),
    })
    await wallet.address('evm')
    works = false
    const result = await wallet.sign(await requestOf('rotating'))
    expect(result).toMatchObject({ notSigned: code })
    const failed = privyWallet({ ...optionsOf('rotating'), credentials })
    const thrown = await failed.address('evm').catch((error: unknown) => error)
    expect(inspect([result, thrown], { depth: 9, showHidden: true })).not.toContain('canary')
  })

  test('must be fetched by a function', () => {
    const options = { ...optionsOf('none'), credentials: service.credentials() } as never
    expect(() => privyWallet(options)).toThrow('privyWallet: credentials: must be a function.')
  })

  test('reach nobody where the service is not there', async () => {
    const gone = await startPrivyService()
    const wallet = privyWallet({
      wallet: 'gone',
      owner: { keyQuorumId: gone.ownerQuorum },
      credentials: async () => gone.credentials('owner'),
      baseUrl: gone.url,
    })
    const authorizer = await wallet.address('evm')
    await gone.close()
    const request = { ...(await requestOf('rotating')), authorizer } as SignRequest
    expect(await wallet.sign(request)).toMatchObject({ notSigned: 'wallet_unavailable' })
  })
})
