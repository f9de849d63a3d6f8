import { inspect } from 'node:util'
import { type SignRequest, typedDataOf, type Wallet } from '@bursar/core'
import { testWallet } from '@bursar/core/testing'
import { type CdpService, startCdpService } from '@bursar/sandbox'
import { CdpClient } from '@coinbase/cdp-sdk'
import { recoverTypedDataAddress } from 'viem'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { status, testProviderFaults } from '../../../../test/provider-wallets/provider-faults.ts'
import { cdpWallet } from './cdp-wallet.ts'

let service: CdpService
beforeAll(async () => {
  service = await startCdpService()
})
afterAll(() => service.close())

const walletOf = (account: string) =>
  cdpWallet({ account, credentials: async () => service.credentials(), baseUrl: service.url })

testWallet(
  'cdpWallet',
  async () => ({
    wallet: walletOf('conformance'),
    async verify(address, request, signature) {
      const signer = await recoverTypedDataAddress({ ...typedDataOf(request), signature })
      return signer === address
    },
    secrets: Object.values(service.credentials()),
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
  // #region use
  const wallet: Wallet = cdpWallet({
    account: 'alice-wallet',
    // Called for each request. Fetch them from your vault.
    credentials: () => secrets.open('cdp'),
  })
  // #endregion
  expect(wallet.families).toEqual(['evm'])
  expect(asked).toEqual([])
})

test('an SDK that cannot be loaded is told as such, and asks for no credentials', async () => {
  vi.doMock('@coinbase/cdp-sdk/auth', () => {
    throw new Error('It is not there.')
  })
  onTestFinished(() => void vi.doUnmock('@coinbase/cdp-sdk/auth'))
  const credentials = vi.fn(async () => service.credentials())
  const wallet = cdpWallet({ account: 'unloaded', credentials, baseUrl: service.url })
  await expect(wallet.address('evm')).rejects.toMatchObject({
    code: 'wallet_unavailable',
    message: 'cdpWallet: @coinbase/cdp-sdk could not be loaded. Install it.',
  })
  expect(credentials).not.toHaveBeenCalled()
})

async function requestOf(account: string): Promise<SignRequest> {
  return {
    kind: 'cancel-authorization',
    family: 'evm',
    token: { chainId: 1, address: `0x${'1'.repeat(40)}`, name: 'Test USD', version: '1' },
    authorizer: await walletOf(account).address('evm'),
    nonce: `0x${'ab'.repeat(32)}`,
  }
}

describe('the account', () => {
  test('is created once, and found by its name from then on', async () => {
    const addresses = await Promise.all(
      Array.from({ length: 8 }, () => walletOf('alice-1').address('evm')),
    )
    expect(new Set(addresses).size).toBe(1)
    expect(service.log.filter((line) => line === 'POST /v2/evm/accounts 201').length).toBe(2)
  })

  test('is the one that the official client finds', async () => {
    process.env.DISABLE_CDP_ERROR_REPORTING = 'true'
    process.env.DISABLE_CDP_USAGE_TRACKING = 'true'
    const official = new CdpClient({ ...service.credentials(), basePath: service.url })
    const { address } = await official.evm.getOrCreateAccount({ name: 'shared' })
    expect(await walletOf('shared').address('evm')).toBe(address)
  })

  test('whose address is told is not looked up, and signs by one request', async () => {
    const request = await requestOf('told')
    const address = await walletOf('told').address('evm')
    const options = { account: 'told', credentials: async () => service.credentials() }
    const wallet = cdpWallet({ ...options, address, baseUrl: service.url })
    const before = service.log.length
    expect(await wallet.address('evm')).toBe(address)
    expect(await wallet.sign(request)).toHaveProperty('signature')
    expect(service.log.slice(before)).toEqual([
      `POST /v2/evm/accounts/${address}/sign/typed-data 200`,
    ])
    const problem = 'cdpWallet: address: must be 0x and 40 hex digits.'
    expect(() => cdpWallet({ ...options, address: 'alice' })).toThrow(problem)
  })

  test.each(['', 'a', '-ab', 'alice_wallet', 'a/b', 'x'.repeat(37)])('%j is no name', (account) => {
    const problem = expect.objectContaining({ code: 'invalid_input' })
    expect(() => walletOf(account)).toThrow(problem)
  })
})

describe('signing', () => {
  const refused: [string, number, string, string][] = [
    ['throttled', 429, 'rate_limit_exceeded', 'wallet_unavailable'],
    ['forbidden by a policy at the provider', 403, 'policy_violation', 'wallet_unavailable'],
    ['a credential that is refused', 401, 'unauthorized', 'credential_expired'],
  ]
  test.each(refused)('%s is known not to be signed', async (_what, status, errorType, code) => {
    const request = await requestOf('refusals')
    service.failNext({ kind: 'status', status, body: { errorType, errorMessage: 'no' } })
    const before = service.signed.length
    expect(await walletOf('refusals').sign(request)).toEqual({
      notSigned: code,
      reason: `CDP answered ${status}: ${errorType}`,
    })
    expect(service.signed.length).toBe(before)
  })

  testProviderFaults(
    { service: () => service, walletOf, requestOf, signPath: '/sign/typed-data' },
    [
      [
        'an error of the service',
        status(500, { errorType: 'internal_server_error', errorMessage: '' }),
      ],
      [
        'a request that was given up',
        status(499, { errorType: 'client_closed_request', errorMessage: '' }),
      ],
      ['a time that was over', status(408, { errorType: 'timed_out', errorMessage: '' })],
      ['a success without a signature', status(200, {})],
      ['a success with something else', status(200, { signature: 'signed' })],
      ['a signature of something else', status(200, { signature: `0x${'11'.repeat(65)}` })],
    ],
  )
})

describe('credentials', () => {
  test('are fetched for each request, so that rotated ones are used at once', async () => {
    const wallet = walletOf('rotating')
    const request = await requestOf('rotating')
    service.rotate()
    expect(await wallet.sign(request)).toHaveProperty('signature')
    service.expire()
    expect(await wallet.sign(request)).toHaveProperty('signature')
  })

  test('that are too old are refused, and nothing is signed', async () => {
    const old = service.credentials()
    const wallet = cdpWallet({
      account: 'rotating',
      credentials: async () => old,
      baseUrl: service.url,
    })
    const request = await requestOf('rotating')
    await wallet.address('evm')
    service.rotate()
    service.expire()
    expect(await wallet.sign(request)).toMatchObject({ notSigned: 'credential_expired' })
    const problem = expect.objectContaining({ code: 'credential_expired' })
    const another = cdpWallet({
      account: 'another',
      credentials: async () => old,
      baseUrl: service.url,
    })
    await expect(another.address('evm')).rejects.toThrow(problem)
  })

  const broken: [string, () => Promise<never>, string][] = [
    ['that cannot be fetched', () => Promise.reject(new Error('canary-1')), 'wallet_unavailable'],
    [
      'that are none',
      async () => ({ apiKeyId: 'k', apiKeySecret: 'canary-2', walletSecret: 'canary-3' }) as never,
      'credential_expired',
    ],
    ['that are nothing', async () => undefined as never, 'credential_expired'],
  ]
  test.each(broken)('%s sign nothing, and are not shown', async (_what, credentials, code) => {
    let works = true
    const wallet = cdpWallet({
      account: 'rotating',
      credentials: async () => (works ? service.credentials() : credentials()),
      baseUrl: service.url,
    })
    await wallet.address('evm')
    works = false
    const result = await wallet.sign(await requestOf('rotating'))
    expect(result).toMatchObject({ notSigned: code })
    const failed = cdpWallet({ account: 'rotating', credentials, baseUrl: service.url })
    const thrown = await failed.address('evm').catch((error: unknown) => error)
    expect(inspect([result, thrown], { depth: 9, showHidden: true })).not.toContain('canary')
  })

  test('reach nobody where the service is not there', async () => {
    const gone = await startCdpService()
    const wallet = cdpWallet({
      account: 'gone',
      credentials: async () => gone.credentials(),
      baseUrl: gone.url,
    })
    const authorizer = await wallet.address('evm')
    await gone.close()
    const result = await wallet.sign({
      ...(await requestOf('rotating')),
      authorizer,
    } as SignRequest)
    expect(result).toMatchObject({ notSigned: 'wallet_unavailable' })
  })
})
