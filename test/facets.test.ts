import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import {
  type Asset,
  BursarError,
  type BursarOptions,
  createBursar,
  type DelegationInput,
} from '@bursar/core'
import {
  fakeAsset,
  fakeChain,
  fakeMerchant,
  fakeRail,
  fakeWallet,
  manualClock,
} from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { guardWorld, HOST, shop } from './guard-world.ts'

const limits = { currency: 'USD', total: '1.00' }
const permission: DelegationInput = {
  agent: 'researcher',
  instrument: 'alice-wallet',
  expiresIn: '1h',
  limits: { currency: 'USD', total: '10.00', windows: [{ per: 'utc-day', amount: '5.00' }] },
  merchants: [{ host: HOST }],
  consent: { how: 'settings page', reference: 'form 7' },
}

describe('createBursar', () => {
  test.each<[string, Partial<Record<keyof BursarOptions, unknown>>, string]>([
    ['no store', { store: undefined }, 'createBursar: store'],
    ['no rails', { rails: [] }, 'createBursar: rails'],
    ['a rail that is none', { rails: [{}] }, 'createBursar: rails.0'],
    [
      'an asset without decimals',
      { assets: [{ ...fakeAsset, decimals: -1 }] },
      'assets.0.decimals',
    ],
    ['an unknown option', { budget: 1 } as never, 'budget'],
  ])('%s is one clear error that names the field', (_name, wrong, field) => {
    expect(() => createBursar({ ...parts(), ...wrong } as BursarOptions)).toThrow(field)
  })

  test('development mode is refused in production', () => {
    vi.stubEnv('NODE_ENV', 'production')
    expect(() => createBursar({ ...parts(), development: { hosts: ['a.localhost:1'] } })).toThrow(
      'development',
    )
    vi.unstubAllEnvs()
  })

  test('an instrument that is none is refused at once', () => {
    const instruments = { w: { endUser: 'alice', wallet: {} as never } }
    expect(() => createBursar({ ...parts(), instruments })).toThrow('instrument w: wallet')
  })

  test('configuration adds assets, and cannot redefine a pinned one', () => {
    const usdc = createBursar(parts()).administration.assets()[0] as Asset
    const assets = createBursar({
      ...parts(),
      assets: [{ ...usdc, decimals: 0 }],
    }).administration.assets()
    expect(assets.find(({ address }) => address === usdc.address)?.decimals).toBe(6)
  })

  test('close writes what waits, and is idempotent; afterwards nothing is paid', async () => {
    const world = await guardWorld()
    await world.session.pay({ url: shop('a'), purpose: '' })
    await Promise.all([world.bursar.close(), world.bursar.close()])
    await expect(world.session.pay({ url: shop('b'), purpose: '' })).rejects.toMatchObject({
      code: 'store_closed',
    })
  })
})

describe('administration', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bursar-facets-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test('the owner of an instrument is recorded once, and outlives the process', async () => {
    const path = join(folder, 'bursar.db')
    const world = await guardWorld({ place: path })
    const wallet = fakeWallet({ address: `0x${'b'.repeat(40)}` })
    await world.bursar.administration.registerInstrument('bob-wallet', { endUser: 'bob', wallet })
    expect(await world.bursar.administration.instruments()).toEqual([
      { handle: 'alice-wallet', endUser: 'alice', address: await world.wallet.address('evm') },
      { handle: 'bob-wallet', endUser: 'bob', address: `0x${'b'.repeat(40)}` },
    ])
    await world.bursar.close()
    const store = sqliteStore({ path, clock: world.clock })
    const stolen = createBursar({
      ...parts(),
      store,
      instruments: { 'bob-wallet': { endUser: 'mallory', wallet } },
    })
    await expect(stolen.endUser('mallory').grantDelegation(permission)).rejects.toMatchObject({
      code: 'instrument_taken',
    })
    await store.close()
  })

  test('a wallet that cannot tell its address is listed without it', async () => {
    const world = await guardWorld()
    const wallet = { ...fakeWallet(), address: () => Promise.reject(new Error('down')) }
    await world.bursar.administration.registerInstrument('w', { endUser: 'alice', wallet })
    const listed = await world.bursar.administration.instruments()
    expect(listed.at(-1)).toEqual({ handle: 'w', endUser: 'alice' })
  })
})

describe('an end user', () => {
  test('grants with the evidence of consent, which is on record', async () => {
    const world = await guardWorld()
    const granted = await world.bursar.endUser('alice').grantDelegation(permission)
    expect(granted).toMatchObject({
      state: 'open',
      remaining: '10.00',
      consent: { how: 'settings page', reference: 'form 7' },
      limits: { total: '10.00', windows: [{ per: 'utc-day', amount: '5.00' }] },
    })
    const { rows } = await world.bursar.auditing.read()
    expect(rows.at(-1)?.event).toMatchObject({
      type: 'delegation-granted',
      endUser: 'alice',
      agent: 'researcher',
      consent: { how: 'settings page', reference: 'form 7' },
    })
  })

  test('cannot grant from an instrument that is empty, unknown or another person’s', async () => {
    const world = await guardWorld()
    const wallet = fakeWallet({ address: `0x${'b'.repeat(40)}` })
    await world.bursar.administration.registerInstrument('bob-wallet', { endUser: 'bob', wallet })
    const grant = (user: string, instrument: string) =>
      world.bursar.endUser(user).grantDelegation({ ...permission, instrument })
    await expect(grant('bob', 'bob-wallet')).rejects.toMatchObject({ code: 'instrument_unfunded' })
    await expect(grant('bob', 'alice-wallet')).rejects.toMatchObject({ code: 'instrument_unknown' })
    await expect(grant('bob', 'no-wallet')).rejects.toMatchObject({ code: 'instrument_unknown' })
    world.chain.setReachable(false)
    await expect(grant('bob', 'bob-wallet')).rejects.toMatchObject({ code: 'wallet_unavailable' })
    world.rail.balance = () =>
      Promise.reject(new BursarError('rail_unreachable', 'eip155:1, rpc 2 of 2: down.'))
    await expect(grant('bob', 'bob-wallet')).rejects.toThrow(
      'the balance of bob-wallet could not be read. eip155:1, rpc 2 of 2: down.',
    )
  })

  test('revokes their own, once, and learns nothing of others’', async () => {
    const world = await guardWorld()
    const alice = world.bursar.endUser('alice')
    const bob = world.bursar.endUser('bob')
    await expect(bob.revokeDelegation(world.delegation)).rejects.toMatchObject({
      code: 'delegation_unknown',
    })
    const reason = { reason: 'changed my mind' }
    expect(await alice.revokeDelegation(world.delegation, reason)).toMatchObject({
      state: 'revoked',
    })
    await alice.revokeDelegation(world.delegation)
    const { rows } = await world.bursar.auditing.read()
    const revoked = rows.filter(({ event }) => event.type === 'delegation-revoked')
    expect(revoked.map(({ event }) => event)).toMatchObject([reason])
    expect((await alice.delegations()).rows).toMatchObject([{ state: 'revoked' }])
    expect((await bob.delegations()).rows).toEqual([])
    expect((await bob.sessions()).rows).toEqual([])
    expect((await bob.payments()).rows).toEqual([])
  })

  test('sees their payments: what, to whom, for what, and how it was proved', async () => {
    const world = await guardWorld()
    await world.session.pay({ url: shop('a?secret=1'), purpose: 'read it' })
    await world.bursar.reconcile()
    const { rows } = await world.bursar.endUser('alice').payments()
    expect(rows).toMatchObject([
      {
        state: 'settled',
        amount: '0.01',
        settled: '0.01',
        merchant: HOST,
        path: '/a',
        purpose: 'read it',
        delivery: { delivered: true, httpStatus: 200 },
      },
    ])
    expect(rows[0]?.evidence?.transaction).toBe(world.chain.transfers()[0]?.transaction)
    expect((await world.bursar.endUser('alice').sessions()).rows).toHaveLength(1)
  })

  test.each<[string, object]>([
    ['agent', { agent: 'no spaces please' }],
    ['expiresIn', { expiresIn: '1 day' }],
    ['expiresIn', { expiresIn: '999999d' }],
    ['limits.total', { limits: { currency: 'USD' } }],
    ['limits.total', { limits: { currency: 'USD', total: 1 } }],
    ['limits.currency', { limits: { currency: 'usd', total: '1.00' } }],
    ['limits.windows.0', { limits: { ...limits, windows: [{ per: 'hour' }] } }],
    ['limits', { limits: { ...limits, totl: '1' } }],
    ['merchants', { merchants: [] }],
    ['merchants.0.host', { merchants: [{ host: 'https://a.example/x' }] }],
    ['merchants.0.payees.0', { merchants: [{ host: 'a.example', payees: ['bob'] }] }],
    ['consent', { consent: undefined }],
    ['consent.how', { consent: { how: ' ' } }],
  ])('a permission with a bad %s is one clear error', async (field, wrong) => {
    const world = await guardWorld()
    const input = { ...permission, ...wrong } as DelegationInput
    const refused = world.bursar.endUser('alice').grantDelegation(input)
    await expect(refused).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(`grantDelegation: ${field}`),
    })
    expect((await world.bursar.endUser('alice').delegations()).rows).toHaveLength(1)
  })

  test.each([
    '0',
    '-1',
    '1e3',
    '0x10',
    '',
    ' 1',
    '1.0000001',
    '٥',
    '１',
    '9'.repeat(13),
    '01',
    '1,5',
  ])('an amount written %j is refused', async (total) => {
    const world = await guardWorld()
    const refused = world.bursar.management.createSession({
      delegation: world.delegation,
      expiresIn: '1m',
      limits: { currency: 'USD', total },
    })
    await expect(refused).rejects.toThrow('createSession: limits.total')
  })
})

describe('management', () => {
  test('a session is never wider than its delegation', async () => {
    const world = await guardWorld()
    const create = (wrong: object) =>
      world.bursar.management.createSession({
        delegation: world.delegation,
        expiresIn: '30m',
        limits,
        ...wrong,
      })
    await expect(create({ limits: { ...limits, total: '100.01' } })).rejects.toThrow('limits.total')
    await expect(create({ limits: { ...limits, currency: 'EUR' } })).rejects.toThrow(
      'limits.currency',
    )
    await expect(create({ expiresIn: '31d' })).rejects.toThrow('expiresIn')
    await expect(create({ delegation: 'del_unknown' })).rejects.toMatchObject({
      code: 'delegation_unknown',
    })
    world.clock.advance(30 * 86_400_000)
    await expect(create({})).rejects.toMatchObject({ code: 'delegation_expired' })
    await world.bursar.endUser('alice').revokeDelegation(world.delegation)
    await expect(create({})).rejects.toMatchObject({ code: 'delegation_revoked' })
  })

  test('reads, revokes and unlocks sessions; each change is recorded once', async () => {
    const world = await guardWorld()
    const { management } = world.bursar
    const { id } = world.session
    expect(await management.session(id)).toMatchObject({ id, state: 'open', remaining: '1.00' })
    expect((await management.sessions({ delegation: world.delegation })).rows).toHaveLength(1)
    expect((await management.sessions()).rows).toHaveLength(1)
    await management.unlockSession(id)
    expect(await management.revokeSession(id, { reason: 'done' })).toMatchObject({
      state: 'revoked',
    })
    await management.revokeSession(id)
    await expect(management.session('ses_unknown')).rejects.toMatchObject({
      code: 'session_unknown',
    })
    await expect(management.revokeSession('ses_unknown')).rejects.toMatchObject({
      code: 'session_unknown',
    })
    const { rows } = await world.bursar.auditing.read()
    const ofSession = rows.filter(({ event }) => event.type.startsWith('session-'))
    expect(ofSession.map(({ event }) => event)).toMatchObject([
      { type: 'session-created' },
      { type: 'session-revoked', reason: 'done' },
    ])
  })

  test('the token is shown once, and stands nowhere afterwards', async () => {
    const world = await guardWorld()
    await world.session.pay({ url: shop('a'), purpose: '' })
    const lines: string[] = []
    for await (const line of world.bursar.auditing.export()) lines.push(line)
    const secret = world.token.slice(-43)
    const everything = [
      lines.join(''),
      inspect(world.session, { depth: 10, showHidden: true }),
      JSON.stringify(world.session),
      JSON.stringify(await world.session.status()),
      JSON.stringify(await world.bursar.management.sessions()),
    ].join('\n')
    expect(everything).not.toContain(secret)
    expect(JSON.stringify(world.session)).toBe(`{"session":"${world.session.id}"}`)
  })
})

describe('changes of secrets', () => {
  const change = { type: 'secret-rewrapped', secret: 'cdp', version: '1' } as const

  test('are recorded all at once, for as many as a vault has', async () => {
    const { bursar } = await guardWorld()
    await bursar.administration.recordSecretChanges(Array(2_000).fill(change))
    const verified = await bursar.auditing.verify()
    expect(verified).toMatchObject({ ok: true })
    const { rows } = await bursar.auditing.read({ limit: 500 })
    expect(rows.at(-1)?.event).toEqual(change)
    expect(verified).toHaveProperty('records', 2_003)
  })

  test.each([
    [[]],
    [Array(2_001).fill(change)],
    [[{ ...change, value: 'canary' }]],
    [[change, { ...change, type: 'payment-settled' }]],
  ])('that are none are refused', async (changes) => {
    const { bursar } = await guardWorld()
    const recording = bursar.administration.recordSecretChanges(changes)
    await expect(recording).rejects.toMatchObject({ code: 'invalid_input' })
  })
})

describe('no facet can both raise a budget and spend it', () => {
  test('each facet has its own methods, and no others', async () => {
    const { bursar, session } = await guardWorld()
    const methods = (facet: object) => Object.keys(facet).sort()
    expect(methods(bursar.administration)).toEqual([
      'archive',
      'assets',
      'instruments',
      'issueKey',
      'keys',
      'recordSecretChanges',
      'registerInstrument',
      'revokeKey',
      'rotateKey',
    ])
    expect(methods(bursar.management)).toEqual([
      'cancel',
      'changeSession',
      'createSession',
      'exposure',
      'revokeSession',
      'session',
      'sessions',
      'unlockSession',
    ])
    expect(methods(bursar.endUser('alice'))).toEqual([
      'allowAgain',
      'approvalOf',
      'approvals',
      'approve',
      'cancel',
      'delegations',
      'deny',
      'exposure',
      'funding',
      'grantDelegation',
      'limits',
      'payments',
      'readPermission',
      'revokeDelegation',
      'sessions',
      'setLimits',
    ])
    expect(methods(bursar.auditing)).toEqual([
      'export',
      'payment',
      'payments',
      'read',
      'subscribe',
      'verify',
      'verifyArchive',
    ])
    const own = Object.getOwnPropertyNames(Object.getPrototypeOf(session)).sort()
    const paying = ['close', 'conclude', 'openChild', 'pay', 'prove', 'quote', 'status', 'toJSON']
    expect(own).toEqual([...paying, 'constructor'].sort())
  })
})

describe('auditing', () => {
  test('tells subscribers after the commit, and a throwing one harms nothing', async () => {
    const world = await guardWorld()
    const heard: string[] = []
    world.bursar.auditing.subscribe(() => {
      throw new Error('harmless')
    })
    const end = world.bursar.auditing.subscribe((event) => heard.push(event.type))
    await world.session.pay({ url: shop('a'), purpose: '' })
    await world.bursar.reconcile()
    end()
    await world.session.pay({ url: shop('b'), purpose: '' })
    expect(heard).toEqual([
      'payment-reserved',
      'payment-signed',
      'payment-claimed',
      'payment-settled',
    ])
  })

  test('the feed goes on where it stopped, and the export can be checked by anyone', async () => {
    const world = await guardWorld()
    const first = await world.bursar.auditing.read({ limit: 2 })
    await world.session.pay({ url: shop('a'), purpose: '' })
    const rest = await world.bursar.auditing.read({ after: first.cursor })
    expect(rest.rows[0]?.seq).toBe(3)
    await world.bursar.reconcile()
    const later = await world.bursar.auditing.read({ after: rest.cursor })
    expect(later.rows.map(({ event }) => event.type)).toEqual(['payment-settled'])
    const lines: string[] = []
    for await (const line of world.bursar.auditing.export()) lines.push(line)
    expect(lines).toHaveLength(later.rows.at(-1)?.seq ?? 0)
    expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true, records: lines.length })
  })
})

/** Returns the options that every guard requires. */
function parts(): BursarOptions {
  const clock = manualClock()
  const chain = fakeChain({ clock })
  return {
    store: sqliteStore({ path: ':memory:', clock }),
    rails: [fakeRail({ chain })],
    http: fakeMerchant({ chain }),
    assets: [fakeAsset],
  }
}
