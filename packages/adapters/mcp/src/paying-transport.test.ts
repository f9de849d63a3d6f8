import { fakePayee } from '@bursar/core/testing'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { SERVER, type ToolWorld, type ToolWorldOptions, toolWorld } from '../test/tool-world.ts'
import { payingTransport } from './paying-transport.ts'

const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
afterEach(() => void emitWarning.mockClear())
afterAll(() => emitWarning.mockRestore())

interface Connected extends ToolWorld {
  readonly client: Client
}

/** Connects the official client over a paying transport. */
async function connected(options: ToolWorldOptions = {}): Promise<Connected> {
  const world = await toolWorld(options)
  return Object.assign(world, { client: await clientOf(world) })
}

async function clientOf(world: ToolWorld): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' })
  const { session } = world
  await client.connect(payingTransport(await world.connect(), { session, server: SERVER }))
  return client
}

const q = { q: 'ACME' }

/** Parses a result that is not the tool's own. */
function told(result: object): Record<string, unknown> {
  const { content } = result as { content: { text: string }[] }
  return JSON.parse(content[0]?.text ?? '')
}

/** Waits until the answer to a proof has arrived. */
async function untilClaimed({ bursar }: ToolWorld): Promise<void> {
  const state = async () => (await bursar.auditing.payments()).rows[0]?.state
  while ((await state()) !== 'claimed') await new Promise(setImmediate)
}

describe('payingTransport', () => {
  test('pays for a tool, and gives its result without the receipt', async () => {
    const { client, session, chain, seen } = await connected()
    const result = await client.callTool({ name: 'quote', arguments: q })
    expect(result).toEqual({ content: [{ type: 'text', text: 'What quote says.' }] })
    expect(chain.transfers()).toHaveLength(1)
    expect(seen.map(({ isPaid }) => isPaid)).toEqual([false, true])
    expect(await session.status()).toMatchObject({ remaining: '0.99', payments: 1 })
  })

  test('passes on what is free, without what tells of payments', async () => {
    const { client, chain, seen } = await connected()
    expect(await client.callTool({ name: 'free', arguments: q })).toEqual({
      content: [{ type: 'text', text: 'What free says.' }],
      _meta: { kept: 'yes' },
    })
    expect(seen).toHaveLength(1)
    expect(chain.received).toEqual([])
  })

  test('pays for a tool whose output has a form, and says a refusal as an error then', async () => {
    const { client, chain } = await connected({ limits: { currency: 'USD', total: '0.01' } })
    await client.listTools()
    expect(await client.callTool({ name: 'typed', arguments: q })).toMatchObject({
      structuredContent: { price: '103.40' },
    })
    const refused = await client.callTool({ name: 'typed', arguments: { q: 'more' } })
    expect(refused).toMatchObject({ isError: true })
    expect(told(refused)).toMatchObject({ status: 'denied', code: 'session_limit_exceeded' })
    expect(chain.transfers()).toHaveLength(1)
  })

  test('signs nothing because a result, or an error, says something about payment', async () => {
    const { client, chain, bursar } = await connected()
    const looks = await client.callTool({ name: 'challenge_text', arguments: q })
    expect(looks).toHaveProperty('structuredContent.x402Version', 2)
    const broken = await client.callTool({ name: 'broken', arguments: q })
    expect(broken).toEqual({ isError: true, content: [{ type: 'text', text: 'It is broken.' }] })
    expect(chain.received).toEqual([])
    const { rows } = await bursar.auditing.read({})
    expect(rows.map(({ event }) => event.type)).not.toContain('payment-denied')
  })

  test.each([
    [
      'above its limit',
      { limits: { currency: 'USD', total: '0.001' } },
      'quote',
      'session_limit_exceeded',
    ],
    ['to another payee', {}, 'other_payee', 'merchant_not_allowed'],
    [
      'to a server whose payees nobody has listed',
      { payees: [`0x${'1'.repeat(40)}`] },
      'quote',
      'merchant_not_allowed',
    ],
  ])(
    'says in the JSON of every adapter that nothing is paid %s',
    async (_what, options, name, code) => {
      const { client, chain } = await connected(options)
      const refused = await client.callTool({ name, arguments: q })
      expect(refused).not.toHaveProperty('isError')
      expect(told(refused)).toMatchObject({ status: 'denied', code })
      expect(JSON.stringify(refused)).not.toContain(fakePayee)
      expect(chain.received).toEqual([])
    },
  )

  test('says that a human has to agree, and pays the same call after the yes', async () => {
    const { client, bursar, chain } = await connected({ ask: { always: true } })
    const asked = told(await client.callTool({ name: 'quote', arguments: q }))
    expect(asked).toMatchObject({ status: 'approval_required' })
    expect(JSON.stringify(asked)).not.toContain(fakePayee)
    const { rows } = await bursar.endUser('alice').approvals({ waiting: true })
    expect(rows.map(({ card }) => card.resource)).toEqual(['CALL /quote'])
    for (const { id } of rows) await bursar.endUser('alice').approve(id)
    const paid = await client.callTool({ name: 'quote', arguments: q })
    expect(paid.content).toEqual([{ type: 'text', text: 'What quote says.' }])
    expect(chain.transfers()).toHaveLength(1)
  })

  test.each([
    ['undelivered', 'undelivered', 1],
    ['asks_again', 'in_doubt', 0],
    ['closes', 'closed', 1],
  ] as const)(
    'says what is known where the server is %s, and pays no second time',
    async (name, status, moved) => {
      const world = await connected()
      const first = await world.client
        .callTool({ name, arguments: q })
        .then(told, () => ({ status: 'closed' }))
      expect(first).toMatchObject({ status })
      const again = told(await (await clientOf(world)).callTool({ name, arguments: q }))
      expect([again.code, again.status]).toContainEqual(
        status === 'undelivered' ? 'undelivered' : 'duplicate_open',
      )
      expect(world.chain.received).toHaveLength(1)
      expect(world.chain.transfers()).toHaveLength(moved)
      world.clock.advance(61_000)
      await world.bursar.reconcile()
      const held = { held: '0.00', settled: moved === 1 ? '0.01' : '0.00' }
      expect(await world.session.status()).toMatchObject(held)
    },
  )

  test('pays once for the same call many times at once, and right after', async () => {
    const { client, chain } = await connected()
    const call = () => client.callTool({ name: 'quote', arguments: q })
    const answers = await Promise.all([call(), call(), call()])
    expect(await call()).toEqual({ content: [{ type: 'text', text: 'What quote says.' }] })
    expect(answers).toHaveLength(3)
    expect(chain.transfers()).toHaveLength(1)
  })

  test('keeps the limits of the session for thirty calls at once', async () => {
    const { client, chain } = await connected({ limits: { currency: 'USD', total: '0.10' } })
    const calls = Array.from({ length: 30 }, (_, index) =>
      client.callTool({ name: 'quote', arguments: { q: `${index}` } }),
    )
    const texts = (await Promise.all(calls)).map((result) => JSON.stringify(result))
    expect(texts.filter((text) => text.includes('What quote says.'))).toHaveLength(10)
    expect(texts.filter((text) => text.includes('session_limit_exceeded'))).toHaveLength(20)
    expect(chain.transfers()).toHaveLength(10)
  })

  test('tells of a failed guard without its cause', async () => {
    const world = await connected()
    world.onCall = () => world.bursar.close()
    const failed = told(await world.client.callTool({ name: 'quote', arguments: q }))
    expect(failed).toMatchObject({ status: 'failed' })
    expect(emitWarning.mock.calls.flat()).toContainEqual(
      expect.stringMatching(/^payingTransport: a call failed in session ses_/),
    )
  })

  test.each([
    ['session', { session: undefined, server: SERVER }],
    ['session', { session: { id: 'ses_1' }, server: SERVER }],
    ['session', { session: () => undefined, server: SERVER }],
    ['server', { server: '' }],
    ['server', {}],
  ])('refuses a wrong %s', async (field, wrong) => {
    const { session, ...world } = await toolWorld()
    const transport = await world.connect()
    expect(() => payingTransport(transport, { session, ...wrong } as never)).toThrow(
      new RegExp(`^payingTransport: ${field}: `),
    )
  })
})

describe('the form of an answer', () => {
  /** Returns the result of one call in the client's own words. */
  async function answered(params: object, options: ToolWorldOptions = {}) {
    const world = await toolWorld(options)
    const { session } = world
    const transport = payingTransport(await world.connect(), { session, server: SERVER })
    const answer = new Promise<object>((resolve) => {
      transport.onmessage = resolve
    })
    await transport.start()
    await transport.send({ jsonrpc: '2.0', id: 'a', method: 'tools/call', params } as never)
    return answer
  }

  const params = { name: 'quote', arguments: q }
  const poor = { limits: { currency: 'USD', total: '0.001' } }

  test('says of which type it is where the client speaks the newest protocol', async () => {
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
    const refused = { id: 'a', result: { resultType: 'complete' } }
    expect(await answered({ ...params, _meta }, poor)).toMatchObject(refused)
    expect(await answered({ ...params, _meta })).toMatchObject(refused)
    expect(await answered(params, poor)).not.toHaveProperty('result.resultType')
  })
})

describe('a call that its client gives up', () => {
  test('before it is paid for pays nothing', async () => {
    const world = await connected()
    const stop = new AbortController()
    world.onCall = () => stop.abort()
    const call = world.client.callTool({ name: 'quote', arguments: q }, undefined, {
      signal: stop.signal,
    })
    await expect(call).rejects.toThrow()
    await world.client.close()
    expect(world.chain.received).toEqual([])
  })

  test('while it is paid for is paid, is never cancelled, and the same call gets its result', async () => {
    const world = await connected()
    const stop = new AbortController()
    world.onCall = ({ isPaid }) => {
      if (isPaid) stop.abort()
    }
    const call = world.client.callTool({ name: 'quote', arguments: q }, undefined, {
      signal: stop.signal,
    })
    await expect(call).rejects.toThrow()
    world.onCall = () => {}
    await untilClaimed(world)
    const again = await world.client.callTool({ name: 'quote', arguments: q })
    expect(again.content).toEqual([{ type: 'text', text: 'What quote says.' }])
    expect(world.seen.filter(({ isPaid }) => isPaid).map(({ signal }) => signal.aborted)).toEqual([
      false,
    ])
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('because it takes too long is paid, and in doubt only for who asks again', async () => {
    const world = await connected()
    const call = world.client.callTool({ name: 'silent', arguments: q }, undefined, { timeout: 50 })
    await expect(call).rejects.toThrow(/timed out/)
    const again = told(await world.client.callTool({ name: 'silent', arguments: q }))
    expect(again).toMatchObject({ status: 'denied', code: 'duplicate_open' })
    // The server never answers, and closing the connection does not wait forever.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const closing = world.client.close()
    await vi.advanceTimersByTimeAsync(5_000)
    vi.useRealTimers()
    await closing
    world.clock.advance(61_000)
    expect(await world.bursar.reconcile()).toMatchObject({ settled: 1 })
  })
})

describe('a hostile server', () => {
  /** Connects a server with given answers. Returns the messages that reach the client. */
  async function stranger(answer: (message: Sent, say: (message: object) => void) => void) {
    const { session, chain } = await toolWorld()
    const [near, far] = InMemoryTransport.createLinkedPair()
    far.onmessage = (message) =>
      answer(message as Sent, (said) => void far.send({ jsonrpc: '2.0', ...said } as never))
    await far.start()
    const transport = payingTransport(near, { session, server: SERVER })
    const heard: object[] = []
    transport.onmessage = (message: object) => void heard.push(message)
    await transport.start()
    const params = { name: 'quote', arguments: q }
    await transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    await transport.close()
    return { heard, chain }
  }

  interface Sent {
    readonly id: number
    readonly params: { readonly _meta?: object }
  }

  test('that answers while it is being paid for is not heard twice', async () => {
    const { heard } = await stranger(({ id, params }, say) => {
      if (params._meta) return say({ id, result: { content: [] } })
      say({ id, error: { code: 402, message: 'pay', data: { fakeOffers: 1 } } })
      say({ id, result: { content: [{ type: 'text', text: 'a second answer' }] } })
      return undefined
    })
    expect(heard.length).toBeLessThanOrEqual(1)
    expect(JSON.stringify(heard)).not.toContain('a second answer')
  })

  test.each([
    ['a list', { error: { code: 402, message: 'pay', data: [] } }],
    ['nothing', { error: { code: 402, message: 'pay' } }],
    ['an endless one', { error: { code: 402, message: 'pay', data: { x: 'x'.repeat(100_000) } } }],
    [
      'a text',
      { result: { isError: true, content: [{ type: 'text', text: '{"x402Version":2}' }] } },
    ],
    ['a wrapper', { result: { isError: true, structuredContent: { 'x402/error': 1 } } }],
  ])('that asks with %s is paid nothing', async (_what, challenge) => {
    const { chain } = await stranger(({ id }, say) => say({ id, ...challenge }))
    expect(chain.received).toEqual([])
  })
})
