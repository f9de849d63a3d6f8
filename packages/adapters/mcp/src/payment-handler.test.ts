import type { PaymentSession } from '@bursar/core'
import { fakePaidWorld, type PaidWorld } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type PaymentHandler, paymentHandler } from './payment-handler.ts'

let world: PaidWorld
let handler: PaymentHandler
const sessions = new Map<string, PaymentSession>()

beforeEach(async () => {
  world = fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) })
  for (const user of ['alice', 'bob']) {
    sessions.set(user, (await world.openSession({ ask: { above: '0.05' } })).session)
  }
  handler = paymentHandler({ session: (auth) => sessions.get(`${auth?.extra?.user}`) })
})
afterEach(async () => {
  await handler.close()
  await world.close()
})

/** Mounts the handler behind an authentication that a client cannot get around. */
const mounted: typeof fetch = async (url, init) => {
  const request = new Request(url as URL, init)
  const [, user] = /^Bearer (alice|bob)$/.exec(request.headers.get('authorization') ?? '') ?? []
  if (user === undefined) return new Response(null, { status: 401 })
  return handler.handle(request, { token: '', clientId: 'app', scopes: [], extra: { user } })
}

const url = new URL('https://payments.example/mcp')

async function connected(user: string, capabilities = {}) {
  const headers = { authorization: `Bearer ${user}` }
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: mounted,
    requestInit: { headers },
  })
  const client = new Client({ name: 'test', version: '1' }, { capabilities })
  await client.connect(transport as Transport)
  return { client, connection: transport.sessionId ?? '' }
}

async function pay(client: Client, more: object = {}): Promise<unknown> {
  const given = { url: world.url('paid', 'a'), purpose: 'a test', ...more }
  const result = await client.callTool({ name: 'pay_within_session', arguments: given })
  return JSON.parse((result.content as { text: string }[])[0]?.text ?? '')
}

/** Makes a request by hand. */
function post(user: string, body: string, more: Record<string, string> = {}): Promise<Response> {
  const accept = 'application/json, text/event-stream'
  const headers = { accept, 'content-type': 'application/json', ...more }
  return mounted(url, {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${user}` },
    body,
  })
}

const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })

test('pays within the session of whoever is authenticated, whatever a client says', async () => {
  const { client } = await connected('alice')
  expect(await pay(client, { session: 'bob', user: 'bob' })).toMatchObject({ status: 'paid' })
  expect(await sessions.get('alice')?.status()).toMatchObject({ remaining: '0.99' })
  expect(await sessions.get('bob')?.status()).toMatchObject({ remaining: '1.00' })
  await client.close()
})

test('lets nobody in who is not authenticated, or into the connection of another', async () => {
  await expect(connected('mallory')).rejects.toThrow()
  const { connection } = await connected('alice')
  const id = { 'mcp-session-id': connection }
  expect((await post('alice', list, id)).status).toBe(200)
  expect((await post('bob', list, id)).status).toBe(404)
  expect((await post('bob', list, { 'mcp-session-id': 'unknown' })).status).toBe(404)
})

test('says that there is no session where the application has none', async () => {
  const { client } = await connected('alice')
  sessions.delete('alice')
  await expect(pay(client)).rejects.toThrow(/Session not found/)
  const again = await connected('alice')
  expect(await pay(again.client)).toMatchObject({ code: 'session_unknown' })
})

test('asks by the connection, and goes on after the answer', async () => {
  const { client } = await connected('alice', { elicitation: {} })
  let asked = 0
  client.setRequestHandler(ElicitRequestSchema, () => {
    asked += 1
    return { action: 'decline' }
  })
  sessions.set('alice', (await world.openSession({ ask: { always: true } })).session)
  await expect(pay(client)).rejects.toThrow(/Session not found/)
  const again = await connected('alice', { elicitation: {} })
  again.client.setRequestHandler(ElicitRequestSchema, () => {
    asked += 1
    return { action: 'decline' }
  })
  expect(await pay(again.client)).toMatchObject({ code: 'approval_denied' })
  expect(asked).toBe(1)
})

test.each([
  ['is too long', 413, `"${'x'.repeat(1_048_576)}"`],
  ['is no JSON', 400, '{'],
  ['begins without a connection', 400, list],
])('refuses a body that %s', async (_what, status, body) => {
  expect((await post('alice', body)).status).toBe(status)
})

test('forgets the connection that was not used for the longest time', async () => {
  const initialize = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    },
  }
  const begin = async () => {
    const response = await post('alice', JSON.stringify(initialize))
    await response.body?.cancel()
    return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
  }
  const [first, second] = [await begin(), await begin()]
  await (await post('alice', list, first)).body?.cancel()
  for (let count = 2; count <= 1_000; count += 1) await begin()
  expect((await post('alice', list, second)).status).toBe(404)
  expect((await post('alice', list, first)).status).toBe(200)
})
