import type { Instrument, PermissionRequest, Permissions } from '@bursar/core'
import { testPermissions } from '@bursar/core/testing'
import { type PrivyService, startPrivyService } from '@bursar/sandbox'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type PrivyPermissionsOptions, privyPermissions } from './privy-permissions.ts'
import { privyWallet } from './privy-wallet.ts'

let service: PrivyService
beforeAll(async () => {
  service = await startPrivyService()
})
afterAll(() => service.close())

const permissionsOf = (who: 'owner' | 'signer' = 'owner'): Permissions =>
  privyPermissions({
    policy: service.policy,
    credentials: async () => service.credentials(who),
    baseUrl: service.url,
  })

const payee = `0x${'cd'.repeat(20)}`
const asset = {
  network: 'eip155:8453',
  address: `0x${'1a'.repeat(20)}`,
  symbol: 'USDC',
  currency: 'USD',
  decimals: 6,
  name: 'USD Coin',
  version: '2',
}
const request: PermissionRequest = {
  delegation: 'del_1',
  endUser: 'alice',
  agent: 'researcher',
  address: `0x${'a1'.repeat(20)}`,
  assets: [{ asset, total: 2_000_000n, perPayment: 100_000n }],
  payees: [payee],
  startsAt: Date.now(),
  expiresAt: Date.now() + 86_400_000,
}

testPermissions('privyPermissions', async () => ({ permissions: permissionsOf(), request }), {
  describe,
  test,
  expect,
})

test('stand beside the wallet', () => {
  const secrets = { open: async (_name: string) => service.credentials('owner') }
  const policyId = service.policy
  const wallet = privyWallet({
    wallet: 'beside',
    owner: { userId: 'did:privy:alice' },
    credentials: async () => service.credentials(),
  })
  // #region use
  const instrument: Instrument = {
    endUser: 'alice',
    wallet,
    permissions: privyPermissions({
      policy: policyId,
      credentials: () => secrets.open('privy-owner'),
    }),
  }
  // #endregion
  expect(Object.keys(instrument.permissions ?? {})).toEqual(['grant', 'read', 'revoke'])
})

test('are the end user’s and the owner’s, and never the signer’s', async () => {
  const before = service.rules()
  const problem = expect.objectContaining({ code: 'credential_expired' })
  await expect(permissionsOf('signer').grant({ ...request, delegation: 'del_2' })).rejects.toThrow(
    problem,
  )
  expect(service.rules()).toEqual(before)
})

test('let the wallet sign what the delegation allows, while it lasts, and cancel afterwards', async () => {
  const wallet = privyWallet({
    wallet: 'permitted',
    owner: { userId: 'did:privy:alice' },
    signer: { keyQuorumId: service.signerQuorum, policyId: service.policy },
    credentials: async () => service.credentials(),
    baseUrl: service.url,
  })
  const address = await wallet.address('evm')
  const token = { chainId: 8_453, address: asset.address, name: asset.name, version: asset.version }
  let nonces = 0
  const nonce = (): `0x${string}` => {
    nonces += 1
    return `0x${nonces.toString(16).padStart(2, '0').repeat(32)}`
  }
  const transfer = (some: { to?: string; value?: bigint; token?: typeof token } = {}) =>
    wallet.sign({
      kind: 'transfer-authorization',
      family: 'evm',
      token,
      from: address,
      to: payee,
      value: 100_000n,
      validAfter: 0n,
      validBefore: 2_000_000_000n,
      nonce: nonce(),
      ...some,
    })
  const cancel = () =>
    wallet.sign({
      kind: 'cancel-authorization',
      family: 'evm',
      token,
      authorizer: address,
      nonce: nonce(),
    })
  const forbidden = {
    notSigned: 'wallet_unavailable',
    reason: 'Privy answered 400: policy_violation',
  }
  const permissions = permissionsOf()
  expect(await transfer()).toEqual(forbidden)
  const asking = { ...request, address: address.toLowerCase(), delegation: 'del_3' }
  const ended = { ...asking, delegation: 'del_4', expiresAt: Date.now() - 1_000, payees: [address] }
  await permissions.grant(ended)
  const { id } = await permissions.grant(asking)
  expect(await transfer()).toHaveProperty('signature')
  expect(await transfer({ value: 100_001n })).toEqual(forbidden)
  expect(await transfer({ to: `0x${'ee'.repeat(20)}` })).toEqual(forbidden)
  expect(await transfer({ to: address })).toEqual(forbidden)
  expect(await transfer({ token: { ...token, chainId: 1 } })).toEqual(forbidden)
  expect(await transfer({ token: { ...token, address: payee } })).toEqual(forbidden)
  const other = { ...asking, delegation: 'del_6', address: payee, payees: [address] }
  await permissions.grant(other)
  expect(await transfer({ to: address })).toEqual(forbidden)
  await permissions.revoke({ delegation: 'del_3', id })
  expect(await transfer()).toEqual(forbidden)
  expect(await cancel()).toHaveProperty('signature')
})

test('of a delegation without an asset are none', async () => {
  const problem = expect.objectContaining({ code: 'permission_invalid' })
  await expect(permissionsOf().grant({ ...request, assets: [] })).rejects.toThrow(problem)
})

test.each<[string, Partial<PrivyPermissionsOptions>]>([
  ['policy: must be the id of a policy', { policy: 'a/b' }],
  ['credentials: must be a function', { credentials: {} as never }],
])('say that %s', (message, wrong) => {
  const options = { policy: 'p', credentials: async () => service.credentials(), ...wrong }
  expect(() => privyPermissions(options)).toThrow(`privyPermissions: ${message}`)
})

test('whose withdrawal is lost on the way are still there, and withdrawn again', async () => {
  const permissions = permissionsOf()
  const name = { delegation: 'del_5' }
  await permissions.grant({ ...request, ...name })
  service.failNext({ kind: 'drop-before' })
  await expect(permissions.revoke(name)).rejects.toMatchObject({ code: 'wallet_answer_lost' })
  expect(await permissions.read(name)).toBe('granted')
  service.failNext({ kind: 'drop-after' })
  await expect(permissions.revoke(name)).rejects.toMatchObject({ code: 'wallet_answer_lost' })
  await permissions.revoke(name)
  expect(await permissions.read(name)).toBe('absent')
})

test('are asked for soon, or not at all: what comes late would outlive its withdrawal', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    let asked = 0
    const slow = privyPermissions({
      policy: service.policy,
      credentials: async () => {
        asked += 1
        // The requests for the policy itself, and for the first of two rules.
        if (asked === 2) vi.setSystemTime(Date.now() + 20_000)
        return service.credentials('owner')
      },
      baseUrl: service.url,
    })
    const before = service.rules().length
    const asking = { ...request, delegation: 'del_7', address: `0x${'a7'.repeat(20)}` }
    await expect(slow.grant(asking)).rejects.toMatchObject({ code: 'permission_unavailable' })
    expect(service.rules()).toHaveLength(before + 1)
  } finally {
    vi.useRealTimers()
  }
})
