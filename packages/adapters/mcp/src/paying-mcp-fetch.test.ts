import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { aiSdk, langChain, manyUsers, mastra } from '../test/consumer.ts'
import { type HttpListener, listen, listenHttp } from '../test/http-listener.ts'
import { SERVER, type ToolWorld, toolNames, toolWorld } from '../test/tool-world.ts'
import { payingMcpFetch } from './paying-mcp-fetch.ts'

const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
afterAll(() => emitWarning.mockRestore())

const open: HttpListener[] = []
afterEach(async () => {
  emitWarning.mockClear()
  for (const one of open.splice(0)) await one.close()
})

const call = (id = 1, name = 'quote') =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } })
const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}
const post = (body: string, more: RequestInit = {}) => ({ method: 'POST', headers, body, ...more })

async function served(world: ToolWorld): Promise<URL> {
  const listener = await listenHttp(world.makeServer)
  open.push(listener)
  return listener.url
}

/** Returns the last message of a stream. */
async function last(response: Response): Promise<{ id?: unknown; result?: { content?: unknown } }> {
  const data = (await response.text()).split('\n').filter((line) => line.startsWith('data: '))
  return JSON.parse(data.at(-1)?.slice('data: '.length) ?? '{}')
}

describe('what the page shows', () => {
  test.each([
    ['the AI SDK', aiSdk],
    ['LangChain', langChain],
    ['Mastra', mastra],
  ])('connects %s', async (_name, connect) => {
    const world = await toolWorld()
    const names = await connect(await served(world), world.session)
    expect(names.map((name) => name.replace('tools_', '')).toSorted()).toEqual(
      [...toolNames].toSorted(),
    )
  })

  test('turns away who is not authenticated', async () => {
    const answer = manyUsers(new Map(), async () => undefined)
    expect((await answer(new Request('https://app.example/mcp'))).status).toBe(401)
  })
})

describe('payingMcpFetch', () => {
  test('finds the session in what the client hands to it with each call', async () => {
    const world = await toolWorld()
    const url = await served(world)
    const paying = payingMcpFetch({
      session: (context: { payer?: typeof world.session } | undefined) => context?.payer,
      server: SERVER,
    })
    const paid = await last(await paying(url, post(call()), { payer: world.session }))
    expect(paid).toMatchObject({ id: 1, result: { content: [{ text: 'What quote says.' }] } })
    const lost = await last(await paying(url, post(call(2))))
    expect(JSON.stringify(lost)).toContain('session_unknown')
    const copied = { payer: JSON.parse(JSON.stringify(world.session)) }
    expect(JSON.stringify(await last(await paying(url, post(call(3)), copied)))).toContain(
      'session_unknown',
    )
    expect(world.chain.transfers()).toHaveLength(1)
    expect(emitWarning.mock.calls.map(([warning]) => String(warning))).toEqual([
      expect.stringMatching(/^payingMcpFetch: session: the one for a call is nothing/),
      expect.stringMatching(/^payingMcpFetch: session: the one for a call is no PaymentSession/),
    ])
  })

  test('a client that stops before the payment pays nothing', async () => {
    const world = await toolWorld()
    const url = await served(world)
    const paying = payingMcpFetch({ session: world.session, server: SERVER })
    world.onCall = async () => {
      const params = { requestId: 1 }
      const given = { jsonrpc: '2.0', method: 'notifications/cancelled', params }
      await paying(url, post(JSON.stringify(given)))
    }
    const told = await last(await paying(url, post(call())))
    expect(JSON.stringify(told)).toContain('failed')
    expect(world.chain.received).toEqual([])
  })

  test('a client that stops while it is paid for stops nothing, and the same call gets its result', async () => {
    const world = await toolWorld()
    const url = await served(world)
    const paying = payingMcpFetch({ session: world.session, server: SERVER })
    const stop = new AbortController()
    world.onCall = ({ isPaid }) => {
      if (isPaid) stop.abort()
    }
    const response = await paying(url, post(call(), { signal: stop.signal }))
    await response.body?.cancel()
    const state = async () => (await world.bursar.auditing.payments()).rows[0]?.state
    while ((await state()) !== 'claimed') await new Promise(setImmediate)
    expect(await last(await paying(url, post(call(2))))).toMatchObject({
      id: 2,
      result: { content: [{ text: 'What quote says.' }] },
    })
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('leaves alone what is no call of a tool, and what has failed', async () => {
    const { session } = await toolWorld()
    const listener = await listen((_request, response) => response.writeHead(503).end('no'))
    open.push(listener)
    const paying = payingMcpFetch({ session, server: SERVER })
    for (const body of [call(), 'no JSON', '{}', '[]', 'null']) {
      const response = await paying(listener.url, post(body))
      expect([response.status, await response.text()]).toEqual([503, 'no'])
    }
    expect((await paying(listener.url)).status).toBe(503)
  })

  test.each([
    ['session', { session: { id: 'ses_1' }, server: SERVER }],
    ['server', { server: '' }],
  ])('refuses a wrong %s', async (field, wrong) => {
    const { session } = await toolWorld()
    expect(() => payingMcpFetch({ session, ...wrong } as never)).toThrow(
      new RegExp(`^payingMcpFetch: ${field}: `),
    )
  })
})

describe('a hostile server', () => {
  type Answer = (body: Asked, response: ServerResponse, url: string) => void

  interface Asked {
    readonly id: number | string
    readonly params: { readonly _meta?: object }
  }

  /**
   * Makes one call to a server with given answers. Returns the result, and the requests that
   * arrived.
   */
  async function stranger(answer: Answer) {
    const world = await toolWorld()
    const challenge = { code: 402, message: 'pay', data: await challengeOf(world) }
    const paths: string[] = []
    const hear = async (request: IncomingMessage, response: ServerResponse) => {
      paths.push(request.url ?? '')
      let text = ''
      for await (const chunk of request) text += chunk
      const body: Asked = JSON.parse(text)
      const here = `http://127.0.0.1:${(request.socket.address() as AddressInfo).port}`
      if (body.params._meta) return answer(body, response, here)
      response.writeHead(200, { 'content-type': 'application/json' })
      return response.end(JSON.stringify({ jsonrpc: '2.0', id: body.id, error: challenge }))
    }
    const listener = await listen((...given) => void hear(...given))
    open.push(listener)
    const paying = payingMcpFetch({ session: world.session, server: SERVER })
    const told = JSON.stringify(await last(await paying(listener.url, post(call()))))
    return { world, told, paths }
  }

  /** Returns the challenge of an honest server in the world. */
  async function challengeOf(world: ToolWorld): Promise<unknown> {
    const listener = await listenHttp(world.makeServer, { isJson: true })
    const response = await fetch(listener.url, post(call()))
    const { error } = (await response.json()) as { error: { data: unknown } }
    await listener.close()
    return error.data
  }

  test.each<[string, Answer]>([
    ['hangs up', (_body, response) => void response.destroy()],
    ['fails', (_body, response) => void response.writeHead(500).end('sorry')],
    [
      'leads elsewhere',
      (_body, response, url) =>
        void response.writeHead(307, { location: `${url}/elsewhere` }).end(),
    ],
    [
      'answers something else',
      (_body, response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"jsonrpc":"2.0","id":7,"result":{"content":[]}}'),
    ],
    [
      'breaks off its stream',
      (_body, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('event: message\ndata: {"jsonrpc":')
        response.end()
      },
    ],
    [
      'answers without an end',
      (_body, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(`"${'x'.repeat(5_300_000)}"`)
      },
    ],
  ])('that %s once it has the proof leaves the payment in doubt', async (_what, answer) => {
    const { world, told, paths } = await stranger(answer)
    expect(told).toContain('in_doubt')
    expect(paths).toEqual(['/mcp', '/mcp'])
    expect(await world.session.status()).toMatchObject({ held: '0.01' })
  })
})
