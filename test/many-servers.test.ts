import type { Bursar } from '@bursar/core'
import { fakeAsset, fakeChain, fakeMerchant, fakeRail, fakeWallet } from '@bursar/core/testing'
import { type BursarConfig, openGuard, readSettings, type Service, serve } from 'bursar'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type TestPostgres,
  testPostgres,
} from '../packages/stores/postgres/src/test-process/postgres-server.ts'

/** A payment costs 0.01. */
const PRICE = 0.01

let server: TestPostgres

beforeAll(async () => {
  server = await testPostgres()
})

afterAll(() => server.stop())

/** Two servers and a guard over one database, one chain and one merchant. */
async function twoServers(shop: Partial<Parameters<typeof fakeMerchant>[0]> = {}) {
  const chain = fakeChain({ clock: Date.now })
  const wallet = fakeWallet()
  chain.mint(fakeAsset, await wallet.address('evm'), 1_000_000_000n)
  const merchant = fakeMerchant({ chain, ...shop })
  const config: BursarConfig = {
    database: await server.newDatabase(),
    rails: [fakeRail({ chain })],
    http: { request: merchant.request, close: async () => {} },
    assets: [fakeAsset],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet } },
    listen: { port: 0 },
  }
  const guard = await openGuard(readSettings(config, {}))
  const { administration } = guard
  const key = async (role: 'administrator' | 'manager' | 'payer' | 'auditor') =>
    administration.issueKey({ roles: [role], expiresIn: '1d' })
  const keys = {
    administrator: await key('administrator'),
    manager: await key('manager'),
    payer: await key('payer'),
    auditor: await key('auditor'),
  }
  const limits = { currency: 'USD', total: '100.00' }
  const { id: delegation } = await guard.endUser('alice').grantDelegation({
    agent: 'a',
    instrument: 'alice-wallet',
    expiresIn: '1d',
    limits,
    merchants: [{ host: 'shop.example' }],
    consent: { how: 'test' },
  })
  const options = { environment: {}, log: () => {} }
  const services = [await serve(config, options), await serve(config, options)] as const
  const close = async () => {
    await Promise.all(services.map((service) => service.close()))
    await guard.close()
  }
  return { chain, guard, keys, delegation, services, close }
}

type World = Awaited<ReturnType<typeof twoServers>>

async function send(
  { url }: Service,
  key: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, string> }
}

function newSession({ guard, delegation, keys }: World, total: string) {
  const limits = { currency: 'USD', total }
  const input = { delegation, expiresIn: '1h', limits, payer: keys.payer.id }
  return guard.management.createSession(input)
}

function pay(service: Service, { keys }: World, token: string, path: string, id?: string) {
  const request = { url: `https://shop.example/${path}`, purpose: 'a test' }
  const call = id === undefined ? {} : { call: { conversation: 'thread', id } }
  const body = { request, ...call }
  return send(service, keys.payer.key, '/v1/session/pay', body, { 'bursar-session': token })
}

/** Repeats the call until its server has read the claim, which is written `soon`. */
async function payKnown(service: Service, world: World, token: string) {
  for (;;) {
    const answer = await pay(service, world, token, 'quote', 'call-1')
    if (answer.body.status !== 'in_progress') return answer
  }
}

async function verified(guard: Bursar): Promise<boolean> {
  return (await guard.auditing.verify()).ok
}

describe('two servers over one PostgreSQL', () => {
  test('hold one budget exactly, whoever is asked', async () => {
    const world = await twoServers()
    const { services, chain, guard } = world
    const { token, id } = await newSession(world, '0.20')
    const results = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        pay(services[index % 2 === 0 ? 0 : 1], world, token, `${index}`),
      ),
    )
    const paid = results.filter(({ body }) => body.status === 'paid')
    expect(paid).toHaveLength(0.2 / PRICE)
    const others = results.filter(({ body }) => body.status !== 'paid')
    expect(new Set(others.map(({ body }) => body.code))).toEqual(
      new Set(['session_limit_exceeded']),
    )
    expect(chain.transfers()).toHaveLength(0.2 / PRICE)
    expect(await guard.management.session(id)).toMatchObject({ remaining: '0.00' })
    expect(await verified(guard)).toBe(true)
    await world.close()
  })

  test('pay one call once, and make one session for one idempotency key', async () => {
    const world = await twoServers()
    const { services, chain, keys, delegation } = world
    const { token } = await newSession(world, '1.00')
    const twice = services.map((service) => pay(service, world, token, 'quote', 'call-1'))
    const statuses = (await Promise.all(twice)).map(({ body }) => body.status)
    expect(statuses.toSorted()).toContain('paid')
    const again = await Promise.all(services.map((service) => payKnown(service, world, token)))
    expect(again.map(({ body }) => body.status)).toEqual(['paid', 'paid'])
    expect(chain.transfers()).toHaveLength(1)
    const limits = { currency: 'USD', total: '1.00' }
    const input = { delegation, expiresIn: '1h', limits, payer: keys.payer.id }
    const once = { 'idempotency-key': '0190a5f2-1111-7000-8000-000000000001' }
    const made = await Promise.all(
      services.map((service) => send(service, keys.manager.key, '/v1/sessions', input, once)),
    )
    expect(made.map(({ status }) => status)).toEqual([201, 201])
    expect(made[1]?.body).toEqual(made[0]?.body)
    await world.close()
  })

  test('either verifies what both have paid, while more is paid', async () => {
    const world = await twoServers()
    const { services, keys } = world
    const { token } = await newSession(world, '1.00')
    const paying = (name: string) =>
      services.map((service, index) => pay(service, world, token, `${name}${index}`))
    await Promise.all(paying('before'))
    const verifying = services.map((service) =>
      send(service, keys.auditor.key, '/v1/audit/verify', {}),
    )
    await Promise.all(paying('meanwhile'))
    expect((await Promise.all(verifying)).map(({ body }) => body.ok)).toEqual([true, true])
    await world.close()
  })

  test('a key that one has revoked, the other refuses at once', async () => {
    const world = await twoServers()
    const { services, keys, chain } = world
    const [first, second] = services
    const { token } = await newSession(world, '1.00')
    expect((await pay(second, world, token, 'a')).body.status).toBe('paid')
    const path = `/v1/keys/${keys.payer.id}/revoke`
    const revoked = await send(first, keys.administrator.key, path, { reason: 'lost' })
    expect(revoked.body.state).toBe('revoked')
    expect((await pay(second, world, token, 'b')).status).toBe(401)
    expect(chain.transfers()).toHaveLength(1)
    await world.close()
  })

  test('a key that is revoked while the other asks the merchant reserves nothing', async () => {
    let world: World | undefined
    const opened = await twoServers({
      onMoment: async () => {
        if (!world) return
        const { services, keys } = world
        const path = `/v1/keys/${keys.payer.id}/revoke`
        await send(services[0], keys.administrator.key, path, {})
      },
    })
    world = opened
    const { token } = await newSession(opened, '1.00')
    const refused = await pay(opened.services[1], opened, token, 'a')
    expect(refused).toMatchObject({ status: 200, body: { code: 'session_revoked' } })
    expect(opened.chain.transfers()).toEqual([])
    await opened.close()
  })
})
