import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Agent, request as httpRequest } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BursarError } from '@bursar/core'
import { fakeAsset, fakeChain, fakeMerchant, fakeRail, fakeWallet } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { generate } from 'selfsigned'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { payBody } from '../../test/world.ts'
import { MAX_BODY_BYTES, MAX_HEADER_BYTES } from '../api/service-limits.ts'
import { type BursarConfig, defineConfig, readSettings } from '../config/config.ts'
import {
  EXAMPLE_KEY,
  findUnsafeLedgerState,
  findUnsafeSettings,
} from '../config/unsafe-settings.ts'
import { openGuard } from '../ledger/open-guard.ts'
import { type Service, serve } from './service.ts'

const directory = mkdtempSync(join(tmpdir(), 'bursar-service-'))
const running: Service[] = []
let files = 0

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.close()))
})

afterAll(() => rmSync(directory, { recursive: true }))

type MerchantOptions = Partial<Parameters<typeof fakeMerchant>[0]>

/** Creates a configuration over fakes, with its own ledger file. */
async function createConfig(merchant: MerchantOptions = {}) {
  files += 1
  const chain = fakeChain({ clock: Date.now })
  const wallet = fakeWallet()
  chain.mint(fakeAsset, await wallet.address('evm'), 1_000_000_000n)
  const shop = fakeMerchant({ chain, ...merchant })
  // Several guards use the merchant in turn, so closing one guard must keep the merchant open.
  const http = { request: shop.request, close: async () => {} }
  const config = defineConfig({
    database: join(directory, `${files}.db`),
    rails: [fakeRail({ chain })],
    http,
    assets: [fakeAsset],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet } },
    listen: { port: 0 },
  })
  return { config, chain }
}

/** Creates keys and a session on the ledger before a service runs on it. */
async function prepareLedger(config: BursarConfig) {
  const bursar = await openGuard(readSettings(config, {}))
  const { administration, management } = bursar
  const payer = await administration.issueKey({ roles: ['payer'], expiresIn: '1d' })
  const auditor = await administration.issueKey({ roles: ['auditor'], expiresIn: '1d' })
  const limits = { currency: 'USD', total: '10.00' }
  const delegation = await bursar.endUser('alice').grantDelegation({
    agent: 'a',
    instrument: 'alice-wallet',
    expiresIn: '1d',
    limits,
    merchants: [{ host: 'shop.example' }],
    consent: { how: 'test' },
  })
  const session = await management.createSession({
    delegation: delegation.id,
    expiresIn: '1h',
    limits,
    payer: payer.id,
  })
  await bursar.close()
  return { payer, auditor, session }
}

async function start(config: BursarConfig, environment = {}): Promise<Service> {
  const service = await serve(config, { environment, log: () => {} })
  running.push(service)
  return service
}

type Prepared = Awaited<ReturnType<typeof prepareLedger>>

function pay(
  { url }: Service,
  { payer, session }: Prepared,
  path: string,
  signal: AbortSignal | null = null,
): Promise<Response> {
  return fetch(`${url}/v1/session/pay`, {
    method: 'POST',
    signal,
    headers: {
      authorization: `Bearer ${payer.key}`,
      'bursar-session': session.token,
      'content-type': 'application/json',
    },
    body: JSON.stringify(payBody(path, path)),
  })
}

describe('a service', () => {
  test('starts from its configuration, pays, and answers a repeated call after a restart', async () => {
    const { config, chain } = await createConfig()
    const ready = await prepareLedger(config)
    const service = await start(config)
    expect(service.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(await (await pay(service, ready, 'quote')).json()).toMatchObject({ status: 'paid' })
    await service.close()
    const again = await start(config)
    const repeated = await (await pay(again, ready, 'quote')).json()
    expect(repeated).toMatchObject({ status: 'paid' })
    expect(chain.transfers()).toHaveLength(1)
  })

  test('speaks TLS with the configured certificate', async () => {
    const [certFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
    const made = await generate([{ name: 'commonName', value: 'localhost' }], {
      keyType: 'ec',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    })
    writeFileSync(certFile, made.cert)
    writeFileSync(keyFile, made.private, { mode: 0o600 })
    const { config } = await createConfig()
    const service = await start(config, { BURSAR_TLS_CERT: certFile, BURSAR_TLS_KEY: keyFile })
    expect(service.url).toMatch(/^https:/)
    const agent = new TlsAgent({ ca: readFileSync(certFile) })
    expect(await requestStatus(tlsRequest, `${service.url}/healthz`, agent)).toBe(200)
    const old = new TlsAgent({ ca: readFileSync(certFile), maxVersion: 'TLSv1.1' })
    await expect(requestStatus(tlsRequest, `${service.url}/healthz`, old)).rejects.toThrow()
  })

  test('closing answers requests in flight and refuses new ones', async () => {
    let arrived = (): void => {}
    let answer = (): void => {}
    const isAsked = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const mayAnswer = new Promise<void>((resolve) => {
      answer = resolve
    })
    const { config, chain } = await createConfig({
      onMoment: async (moment) => {
        if (moment !== 'payment-settled') return
        arrived()
        await mayAnswer
      },
    })
    const ready = await prepareLedger(config)
    const service = await start(config)
    const paying = pay(service, ready, 'slow')
    await isAsked
    const closing = service.close()
    await expect(fetch(`${service.url}/healthz`)).rejects.toThrow()
    answer()
    expect(await (await paying).json()).toMatchObject({ status: 'paid' })
    await closing
    expect(chain.transfers()).toHaveLength(1)
  })

  test('a client that hangs up during a payment gets the result when it retries', async () => {
    const hangUp = new AbortController()
    const { config, chain } = await createConfig({
      onMoment: async (moment) => {
        if (moment === 'payment-settled') hangUp.abort()
      },
    })
    const ready = await prepareLedger(config)
    const service = await start(config)
    await expect(pay(service, ready, 'quote', hangUp.signal)).rejects.toThrow('aborted')
    expect(await (await pay(service, ready, 'quote')).json()).toMatchObject({ status: 'paid' })
    expect(chain.transfers()).toHaveLength(1)
    await service.close()
    const bursar = await openGuard(readSettings(config, {}))
    const { rows } = await bursar.auditing.payments({ session: ready.session.id })
    expect(rows).toHaveLength(1)
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
    await bursar.close()
  })

  test('closing under load loses no payment that was answered', async () => {
    const { config, chain } = await createConfig()
    const ready = await prepareLedger(config)
    const service = await start(config)
    const results = Array.from({ length: 200 }, (_, index) =>
      pay(service, ready, `load-${index}`).then(
        async (response) => ((await response.json()) as { status: string | number }).status,
        () => 'no answer',
      ),
    )
    await Promise.race(results)
    await service.close()
    const paid = (await Promise.all(results)).filter((status) => status === 'paid')
    const bursar = await openGuard(readSettings(config, {}))
    const listed = await bursar.auditing.payments({ session: ready.session.id })
    const claimed = listed.rows.filter(({ state }) => state === 'claimed' || state === 'settled')
    expect(claimed.length).toBe(chain.transfers().length)
    expect(paid.length).toBeGreaterThan(0)
    expect(paid.length).toBeLessThanOrEqual(claimed.length)
    expect(listed.rows.filter(({ state }) => state === 'reserved')).toEqual([])
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
    await bursar.close()
  })
})

describe('limits of a request', () => {
  test('apply to headers, bodies and media types', async () => {
    const { config } = await createConfig()
    const { auditor } = await prepareLedger(config)
    const { url } = await start(config)
    const headers = { authorization: `Bearer ${auditor.key}` }
    const send = async (body: string | ReadableStream, type = 'application/json') => {
      const response = await fetch(`${url}/v1/audit/verify`, {
        method: 'POST',
        headers: { ...headers, 'content-type': type },
        body,
        duplex: 'half',
      } as RequestInit)
      return [response.status, ((await response.json()) as { code?: string }).code]
    }
    expect(await send('{}')).toEqual([200, undefined])
    expect(await send('{}', 'text/plain')).toEqual([415, 'unsupported_media_type'])
    expect(await send('{')).toEqual([400, 'malformed_body'])
    expect(await send(' '.repeat(MAX_BODY_BYTES + 1))).toEqual([413, 'body_too_large'])
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
    })
    expect(await send(endless)).toEqual([413, 'body_too_large'])
    const large = { ...headers, 'x-large': 'x'.repeat(MAX_HEADER_BYTES) }
    expect((await fetch(`${url}/v1/caller`, { headers: large })).status).toBe(431)
    expect((await fetch(`${url}/v1/audit?after=${'x'.repeat(5_000)}`, { headers })).status).toBe(
      414,
    )
  })

  test('refuse a request with both Content-Length and Transfer-Encoding', async () => {
    const { config } = await createConfig()
    const { url } = await start(config)
    const { hostname, port } = new URL(url)
    const smuggled =
      'POST /v1/audit/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.write(smuggled))
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('close', () => resolve(text))
    })
    expect(answer.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 400'])
  })
})

describe('an unsafe configuration', () => {
  test('does not start, and the error lists every reason', async () => {
    const { config } = await createConfig()
    const open = { ...config, listen: { host: '0.0.0.0', port: 0 } }
    await expect(serve(open, { environment: {} })).rejects.toMatchObject({
      code: 'unsafe_configuration',
      message: expect.stringContaining('plain http on 0.0.0.0'),
    })
    const development = { hosts: ['a.localhost:1'] }
    expect(findUnsafeSettings(readSettings({ ...open, development }, {}))).toHaveLength(2)
    expect(findUnsafeSettings(readSettings(open, { BURSAR_BEHIND_PROXY: '1' }))).toEqual([])
    expect(findUnsafeSettings(readSettings(config, {}))).toEqual([])
    expect(findUnsafeSettings(readSettings(config, { BURSAR_HOST: '::1' }))).toEqual([])
    const identity = {
      name: 'corp',
      issuer: 'i',
      audience: 'a',
      jwksUrl: 'http://idp.example/keys',
      algorithms: ['ES256' as const],
    }
    expect(findUnsafeSettings(readSettings({ ...config, identity }, {}))[0]).toMatch('plain http')
  })

  test('is a key with roles that raise and spend', async () => {
    const { config } = await createConfig()
    await prepareLedger(config)
    const store = sqliteStore({ path: String(config.database) })
    const credential = {
      id: 'key_both',
      roles: ['manager', 'payer'] as const,
      secrets: [],
      createdAt: 1,
      expiresAt: Date.UTC(2100, 0, 1),
    }
    const events = [{ type: 'key-used', credential: credential.id } as const]
    await store.commit({}, () => ({ result: 0, credentials: [credential], events }), 'now')
    await store.close()
    await expect(serve(config, { environment: {} })).rejects.toThrow(
      'The key key_both can both raise a budget (createSession) and spend it (pay). ' +
        'Revoke it: bursar keys revoke key_both',
    )
  })

  test('is a wallet or a key that is public', async () => {
    const { config } = await createConfig()
    const wallet = {
      ...fakeWallet(),
      address: async () => '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
    }
    const publicWallet = { ...config, instruments: { w: { endUser: 'alice', wallet } } }
    await expect(serve(publicWallet, { environment: {} })).rejects.toThrow('instrument w')
    const bursar = await openGuard(readSettings(config, {}))
    const authenticate = async (key: string) =>
      key === EXAMPLE_KEY ? ({ id: 'key_0', roles: ['auditor'] } as const) : undefined
    const reasons = await findUnsafeLedgerState(
      { ...bursar, authenticate },
      readSettings(config, {}),
    )
    expect(reasons).toEqual([
      'The ledger accepts the key that the examples show. Revoke it: bursar keys revoke key_0',
    ])
    await bursar.close()
  })

  test.each([
    [{ listen: { port: 70_000 } }, {}, 'bursar.config: listen.port'],
    [{ listen: { host: 'example.com' } }, {}, 'bursar.config: listen.host'],
    [{ listen: { tsl: true } }, {}, 'bursar.config: listen'],
    [{}, { BURSAR_PORT: 'http' }, 'environment: BURSAR_PORT'],
    [{}, { BURSAR_TLS_CERT: 'cert.pem' }, 'BURSAR_TLS_CERT and BURSAR_TLS_KEY'],
    [{}, { BURSAR_BEHIND_PROXY: 'yes' }, 'environment: BURSAR_BEHIND_PROXY'],
    [{ identity: { name: 'Corp' } }, {}, 'bursar.config: identity.name'],
    [{ rails: [] }, {}, 'createBursar: rails'],
  ])('%j with %j is an error that names the field', async (wrong, environment, field) => {
    const { config } = await createConfig()
    const serving = serve({ ...config, ...wrong } as BursarConfig, { environment })
    await expect(serving).rejects.toThrow(field)
    await expect(serving).rejects.toBeInstanceOf(BursarError)
  })

  test('a port in use is reported with its code', async () => {
    const { config } = await createConfig()
    const service = await start(config)
    const port = Number(new URL(service.url).port)
    await expect(start({ ...config, listen: { port } })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
  })
})

function requestStatus(
  request: typeof httpRequest | typeof tlsRequest,
  url: string,
  agent: Agent,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject)
    sent.end()
  })
}
