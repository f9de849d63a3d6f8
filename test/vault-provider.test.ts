import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { BursarError, type PermissionRequest, type Permissions, typedDataOf } from '@bursar/core'
import { fakeAsset, testPermissions, testWallet } from '@bursar/core/testing'
import {
  type CdpService,
  type PrivyService,
  startCdpService,
  startPrivyService,
} from '@bursar/sandbox'
import { cdpFundingLink, cdpSpendPermissions } from '@bursar/wallet-cdp'
import { privyPermissions } from '@bursar/wallet-privy'
import { viemWallet } from '@bursar/wallet-viem'
import { localKey } from 'bursar'
import { recoverTypedDataAddress } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type ChangeableVault,
  changeableVault,
} from '../packages/service/server/test/changeable-vault.ts'
import { type GuardWorld, guardWorld } from './guard-world.ts'

let privy: PrivyService
let cdp: CdpService
let folder: string
let vault: ChangeableVault
let permissions: Permissions

beforeAll(async () => {
  privy = await startPrivyService()
  cdp = await startCdpService()
  folder = mkdtempSync(join(tmpdir(), 'bursar-vault-provider-'))
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await cdp.close()
  await privy.close()
})

afterEach(() => {
  vi.useRealTimers()
})

let vaults = 0
beforeEach(async () => {
  vaults += 1
  const keys = [localKey({ path: join(folder, 'bursar.key') })]
  vault = changeableVault({ database: join(folder, `${vaults}.vault`), keys })
  await vault.put('privy-owner', ownerSecret())
  permissions = vault.permissions({
    secret: 'privy-owner',
    permissions: (secret) =>
      privyPermissions({
        policy: privy.policy,
        credentials: async () => secret.fields('appId', 'appSecret', 'authorizationKey'),
        baseUrl: privy.url,
      }),
  })
})

const ownerSecret = (): Buffer => Buffer.from(JSON.stringify(privy.credentials('owner')))

async function permitted(): Promise<GuardWorld> {
  return guardWorld({ permissions })
}

/** Returns the recorded openings of secrets, each with the subject that it was opened for. */
async function openings({ bursar }: GuardWorld): Promise<readonly string[]> {
  const { rows } = await bursar.auditing.read({ limit: 500 })
  return rows.flatMap(({ event }) => {
    if (event.type !== 'secret-opened') return []
    const about = 'instrument' in event ? event.instrument : event.delegation
    return [`${event.purpose} of ${about}: ${event.secret} ${event.version}`]
  })
}

async function stateOf({ bursar, delegation }: GuardWorld): Promise<string> {
  const { rows } = await bursar.endUser('alice').delegations()
  const found = rows.find(({ id }) => id === delegation)
  return `${found?.state} ${found?.permission?.state}`
}

const rulesOf = ({ delegation }: GuardWorld): readonly string[] =>
  privy.rules().filter((name) => name.startsWith(delegation))

describe('a permission whose credentials are sealed', () => {
  test('is granted, read and withdrawn at the provider, each time with a record', async () => {
    const world = await permitted()
    const { bursar, delegation } = world
    const alice = bursar.endUser('alice')
    expect(rulesOf(world)).toHaveLength(1)
    const opened = `permission of ${delegation}: privy-owner 1`
    // The provider grants the permission, and the guard reads it back.
    expect(await openings(world)).toEqual([opened, opened])
    expect(await alice.readPermission(delegation)).toBe('granted')
    expect(await alice.revokeDelegation(delegation)).toMatchObject({
      state: 'revoked',
      permission: { state: 'withdrawn' },
    })
    expect(rulesOf(world)).toEqual([])
    expect(await openings(world)).toEqual([opened, opened, opened, opened, opened])
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
    const { rows } = await bursar.auditing.read({ limit: 500 })
    const { appSecret, authorizationKey } = privy.credentials('owner')
    const shown =
      JSON.stringify(rows) + inspect([permissions, vault], { depth: 9, showHidden: true })
    for (const secret of [appSecret, authorizationKey]) expect(shown).not.toContain(secret)
  })

  test('that cannot be reached is withdrawn later, and the delegation is revoked all the while', async () => {
    const world = await permitted()
    await vault.remove('privy-owner')
    await world.bursar.endUser('alice').revokeDelegation(world.delegation)
    expect(await stateOf(world)).toBe('revoked not_withdrawn')
    const { rows } = await world.bursar.auditing.read({ limit: 500 })
    expect(rows.at(-1)?.event).toMatchObject({
      type: 'permission-withdrawal-failed',
      reason: 'secret_unknown',
    })
    expect(rulesOf(world)).toHaveLength(1)
    await vault.put('privy-owner', ownerSecret())
    await world.bursar.reconcile()
    expect(await stateOf(world)).toBe('revoked withdrawn')
    expect(rulesOf(world)).toEqual([])
  })

  test('is asked for with the credential before, where the newest one is refused', async () => {
    const wrong = { ...privy.credentials('owner'), appSecret: 'wrong' }
    await vault.rotate('privy-owner', Buffer.from(JSON.stringify(wrong)), { overlap: '1h' })
    const world = await permitted()
    expect(rulesOf(world)).toHaveLength(1)
    expect((await openings(world)).map((line) => line.at(-1))).toEqual(['2', '1', '2', '1'])
    await vault.remove('privy-owner', { version: 1 })
    const reading = world.bursar.endUser('alice').readPermission(world.delegation)
    await expect(reading).rejects.toMatchObject({ code: 'credential_expired' })
  })

  test('is asked for soon, or not at all: what comes late would outlive its withdrawal', async () => {
    await vault.rotate('privy-owner', ownerSecret(), { overlap: '1h' })
    vi.useFakeTimers({ toFake: ['Date'] })
    const asked: string[] = []
    permissions = vault.permissions({
      secret: 'privy-owner',
      permissions: () => ({
        async grant() {
          asked.push('grant')
          // The provider is slow to refuse the newest credential.
          vi.setSystemTime(Date.now() + 15_000)
          throw new BursarError('credential_expired', 'refused')
        },
        read: async () => 'absent',
        revoke: async () => {},
      }),
    })
    await expect(permitted()).rejects.toMatchObject({
      code: 'permission_unavailable',
      cause: { code: 'timed_out' },
    })
    expect(asked).toEqual(['grant'])
  })

  test('with a secret that lacks a field is none that can be asked for', async () => {
    await vault.rotate('privy-owner', Buffer.from('{"appId":"canary"}'))
    await expect(permitted()).rejects.toMatchObject({
      code: 'permission_unavailable',
      cause: { code: 'credential_expired' },
    })
  })

  test('quotes nothing of what its maker throws', async () => {
    permissions = vault.permissions({
      secret: 'privy-owner',
      permissions: (secret) => {
        throw new Error(`It cannot be read: ${secret.text()}`)
      },
    })
    const thrown = await permitted().catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code: 'permission_unavailable' })
    const shown = inspect(thrown, { depth: 9, showHidden: true })
    expect(shown).not.toContain(privy.credentials('owner').appSecret)
  })

  test('is opened for nothing else: not outside, and not for a wallet that signs', async () => {
    const problem = expect.objectContaining({ code: 'secret_not_needed' })
    await expect(permissions.read({ delegation: 'del_1' })).rejects.toThrow(problem)
    const address = privateKeyToAccount(generatePrivateKey()).address
    const wallet = vault.wallet({ secret: 'privy-owner', address, wallet: () => expect.fail() })
    let tried: unknown
    permissions = {
      ...permissions,
      async read() {
        tried = await wallet.sign({
          kind: 'cancel-authorization',
          family: 'evm',
          token: { chainId: 1, address, name: 'Test USD', version: '1' },
          authorizer: address,
          nonce: `0x${'7e'.repeat(32)}`,
        })
        return 'granted'
      },
    }
    await permitted()
    expect(tried).toMatchObject({
      notSigned: 'wallet_unavailable',
      reason: expect.stringContaining('secret_not_needed'),
    })
  })
})

test('a link to pay in by is made with a sealed credential, which is opened for it', async () => {
  const world = await guardWorld()
  await vault.put('cdp', Buffer.from(JSON.stringify(cdp.credentials())))
  const { bursar, wallet } = world
  const fundingLink = vault.fundingLink({
    secret: 'cdp',
    fundingLink: (secret) =>
      cdpFundingLink({
        network: 'base',
        credentials: async () => secret.fields('apiKeyId', 'apiKeySecret', 'walletSecret'),
        baseUrl: cdp.url,
      }),
  })
  const instrument = { endUser: 'alice', wallet, fundingLink }
  await bursar.administration.registerInstrument('alice-2', instrument)
  const { link } = await bursar.endUser('alice').funding('alice-2')
  expect(link).toMatch(/^https:\/\/pay\.coinbase\.com\//)
  expect(await openings(world)).toEqual(['funding of alice-2: cdp 1'])
  await expect(fundingLink('0x')).rejects.toMatchObject({ code: 'secret_not_needed' })
  await vault.remove('cdp')
  await expect(bursar.endUser('alice').funding('alice-2')).rejects.toMatchObject({
    code: 'wallet_unavailable',
  })
  expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
})

test.each<[string, () => unknown]>([
  [
    'vault.wallet: secret',
    () => vault.wallet({ secret: '', address: '', wallet: () => expect.fail() }),
  ],
  [
    'vault.wallet: address',
    () => vault.wallet({ secret: 'a', address: '0x', wallet: () => expect.fail() }),
  ],
  ['vault.permissions: permissions', () => vault.permissions({ secret: 'a' } as never)],
  ['vault.fundingLink: secret', () => vault.fundingLink({} as never)],
])('what is no %s is told', (field, make) => {
  expect(make).toThrow(field)
})

const request: PermissionRequest = {
  delegation: 'del_1',
  endUser: 'alice',
  agent: 'researcher',
  address: `0x${'a1'.repeat(20)}`,
  assets: [{ asset: fakeAsset, total: 2_000_000n, perPayment: 100_000n }],
  startsAt: Date.now(),
  expiresAt: Date.now() + 86_400_000,
}

testPermissions('vault.permissions at Privy', async () => ({ permissions, request }), {
  describe,
  test,
  expect,
})

testPermissions(
  'vault.permissions at CDP',
  async () => {
    const secret = `cdp-${vaults}`
    await vault.put(secret, Buffer.from(JSON.stringify(cdp.credentials())))
    const made = vault.permissions({
      secret,
      permissions: (opened) =>
        cdpSpendPermissions({
          smartAccount: `0x${'5a'.repeat(20)}`,
          network: 'base',
          credentials: async () => opened.fields('apiKeyId', 'apiKeySecret', 'walletSecret'),
          baseUrl: cdp.url,
        }),
    })
    const asset = { ...fakeAsset, network: 'eip155:8453' }
    const assets = [{ asset, total: 2_000_000n, perPayment: 100_000n }]
    return { permissions: made, request: { ...request, assets } }
  },
  { describe, test, expect },
)

testWallet(
  'vault.wallet',
  async () => {
    const key = generatePrivateKey()
    const { address } = privateKeyToAccount(key)
    await vault.put('key', Buffer.from(key))
    return {
      wallet: vault.wallet({
        secret: 'key',
        address,
        wallet: (secret) =>
          viemWallet({ account: privateKeyToAccount(secret.text() as `0x${string}`) }),
      }),
      async verify(signer, signed, signature) {
        const found = await recoverTypedDataAddress({ ...typedDataOf(signed), signature })
        return found.toLowerCase() === signer.toLowerCase()
      },
      secrets: [key.slice(2)],
    }
  },
  { describe, test, expect },
)
