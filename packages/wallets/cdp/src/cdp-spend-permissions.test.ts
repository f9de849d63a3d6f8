import type { Instrument, PermissionRequest } from '@bursar/core'
import { testPermissions } from '@bursar/core/testing'
import { type CdpService, startCdpService } from '@bursar/sandbox'
import { CdpClient } from '@coinbase/cdp-sdk'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { cdpFundingLink } from './cdp-funding-link.ts'
import { type CdpSpendPermissionsOptions, cdpSpendPermissions } from './cdp-spend-permissions.ts'
import { cdpWallet } from './cdp-wallet.ts'

let service: CdpService
beforeAll(async () => {
  service = await startCdpService()
})
afterAll(() => service.close())

const smartAccount = `0x${'5a'.repeat(20)}` as const
const optionsOf = (some: Partial<CdpSpendPermissionsOptions> = {}): CdpSpendPermissionsOptions => ({
  smartAccount,
  network: 'base',
  credentials: async () => service.credentials(),
  baseUrl: service.url,
  ...some,
})
const asset = {
  network: 'eip155:8453',
  address: `0x${'1a'.repeat(20)}`,
  symbol: 'USDC',
  currency: 'USD',
  decimals: 6,
  name: 'USD Coin',
  version: '2',
}
const elsewhere = { ...asset, network: 'eip155:1' }
const request: PermissionRequest = {
  delegation: 'del_1',
  endUser: 'alice',
  agent: 'researcher',
  address: `0x${'a1'.repeat(20)}`,
  assets: [
    { asset, total: 2_000_000n, perPayment: 100_000n },
    { asset: elsewhere, total: 2_000_000n, perPayment: 100_000n },
  ],
  startsAt: 1_900_000_000_500,
  expiresAt: 1_900_086_400_500,
}

testPermissions(
  'cdpSpendPermissions',
  async () => ({ permissions: cdpSpendPermissions(optionsOf()), request }),
  { describe, test, expect },
)

test('stand beside the wallet', () => {
  const secrets = { open: async (_name: string) => service.credentials() }
  const wallet = cdpWallet({ account: 'beside', credentials: async () => service.credentials() })
  // #region use
  const instrument: Instrument = {
    endUser: 'alice',
    wallet,
    permissions: cdpSpendPermissions({
      smartAccount,
      network: 'base',
      credentials: () => secrets.open('cdp'),
    }),
  }
  // #endregion
  expect(Object.keys(instrument.permissions ?? {})).toEqual(['grant', 'read', 'revoke'])
})

test('are those that the official client lists', async () => {
  process.env.DISABLE_CDP_ERROR_REPORTING = 'true'
  process.env.DISABLE_CDP_USAGE_TRACKING = 'true'
  const own = `0x${'6b'.repeat(20)}` as const
  const permissions = cdpSpendPermissions(optionsOf({ smartAccount: own }))
  const { id } = await permissions.grant(request)
  const official = new CdpClient({ ...service.credentials(), basePath: service.url })
  const list = async () =>
    (await official.evm.listSpendPermissions({ address: own })).spendPermissions
  expect(await list()).toMatchObject([
    {
      permissionHash: id,
      revoked: false,
      network: 'base',
      permission: {
        account: own,
        spender: request.address,
        token: asset.address,
        allowance: 2_000_000n,
        start: 1_900_000_000,
        end: 1_900_086_401,
        period: 86_401,
      },
    },
  ])
  await permissions.revoke({ delegation: 'del_1', id })
  expect(await list()).toMatchObject([{ permissionHash: id, revoked: true }])
})

test('are found on a later page', async () => {
  const permissions = cdpSpendPermissions(optionsOf({ smartAccount: `0x${'7c'.repeat(20)}` }))
  for (let count = 0; count < 101; count += 1) {
    await permissions.grant({ ...request, delegation: `del_${count}` })
  }
  expect(await permissions.read({ delegation: 'del_100' })).toBe('granted')
  expect(await permissions.read({ delegation: 'del_101' })).toBe('absent')
})

test('need exactly one asset on their network', async () => {
  const permissions = cdpSpendPermissions(optionsOf())
  const problem = expect.objectContaining({ code: 'permission_invalid' })
  const [first, second] = request.assets
  const none = { ...request, delegation: 'del_none', assets: second ? [second] : [] }
  await expect(permissions.grant(none)).rejects.toThrow(problem)
  const two = { ...request, delegation: 'del_two', assets: first ? [first, first] : [] }
  await expect(permissions.grant(two)).rejects.toThrow(problem)
})

test('say what the provider refuses, and that an answer was lost', async () => {
  const permissions = cdpSpendPermissions(optionsOf())
  const asking = { ...request, delegation: 'del_refused' }
  const throttled = { errorType: 'rate_limit_exceeded', errorMessage: '' }
  service.failNext({ kind: 'status', status: 429, body: throttled })
  await expect(permissions.grant(asking)).rejects.toMatchObject({ code: 'permission_unavailable' })
  service.failNext({ kind: 'drop-after' })
  await expect(permissions.grant(asking)).rejects.toMatchObject({ code: 'wallet_answer_lost' })
  // The permission was made all the same, and is found by its delegation.
  expect(await permissions.read({ delegation: 'del_refused' })).toBe('granted')
  const none = async () => ({ apiKeyId: '', apiKeySecret: '', walletSecret: '' })
  const unknown = cdpSpendPermissions(optionsOf({ credentials: none }))
  await expect(unknown.grant(asking)).rejects.toMatchObject({ code: 'credential_expired' })
})

test.each<[string, Partial<CdpSpendPermissionsOptions>]>([
  ['smartAccount: must be an address', { smartAccount: '0x1' }],
  ['network: must be one of base, base-sepolia', { network: 'solana' as never }],
  ['credentials: must be a function', { credentials: {} as never }],
])('say that %s', (message, wrong) => {
  expect(() => cdpSpendPermissions(optionsOf(wrong))).toThrow(`cdpSpendPermissions: ${message}`)
})

describe('cdpFundingLink', () => {
  const { address } = request
  test('is a page of CDP for the address', async () => {
    const credentials = async () => service.credentials()
    const link = cdpFundingLink({ network: 'base', credentials, baseUrl: service.url })
    expect(await link(address)).toMatch(/^https:\/\/pay\.coinbase\.com\/buy\?sessionToken=/)
    await expect(link('nowhere')).rejects.toMatchObject({ code: 'wallet_unavailable' })
  })

  test('is not there with credentials that are refused', async () => {
    const credentials = async () => ({ ...service.credentials(), apiKeyId: 'another' })
    const link = cdpFundingLink({ network: 'base', credentials, baseUrl: service.url })
    await expect(link(address)).rejects.toMatchObject({ code: 'credential_expired' })
    expect(() => cdpFundingLink({ network: 'base', credentials: {} as never })).toThrow(
      'cdpFundingLink: credentials: must be a function.',
    )
  })
})

test('are asked for soon, or not at all: what comes late would outlive its withdrawal', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    const credentials = async () => {
      vi.setSystemTime(Date.now() + 20_000)
      return service.credentials()
    }
    const asking = { ...request, delegation: 'del_late' }
    const slow = cdpSpendPermissions(optionsOf({ credentials }))
    await expect(slow.grant(asking)).rejects.toMatchObject({ code: 'permission_unavailable' })
    expect(await cdpSpendPermissions(optionsOf()).read(asking)).toBe('absent')
  } finally {
    vi.useRealTimers()
  }
})
