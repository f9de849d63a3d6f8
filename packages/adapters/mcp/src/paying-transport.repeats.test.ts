import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { payingClients } from '../test/clients.ts'
import { type HttpListener, listen } from '../test/http-listener.ts'
import { type ToolWorld, toolWorld } from '../test/tool-world.ts'

/** All that can make a client call a paid tool twice. The tool is paid once. */

let listener: HttpListener | undefined
afterEach(() => listener?.close())
// Mastra logs the errors of its tools.
const silent = vi.spyOn(console, 'error')
beforeAll(() => void silent.mockImplementation(() => {}))
afterAll(() => silent.mockRestore())

/** A network that treats each call of a tool by the number of calls before it. */
type Fault = (call: {
  readonly isPaid: boolean
  readonly index: number
}) => 'hang up' | 503 | undefined

async function faulty(world: ToolWorld, fault: Fault): Promise<URL> {
  let index = 0
  const answer = async (...[request, response]: Parameters<Parameters<typeof listen>[0]>) => {
    if (request.method !== 'POST') return response.writeHead(405).end()
    let text = ''
    for await (const chunk of request) text += chunk
    const transport = new StreamableHTTPServerTransport({})
    await world.makeServer().connect(transport as Transport)
    if (JSON.parse(text).method === 'tools/call') {
      const found = fault({ isPaid: text.includes('fake-proof'), index })
      index += 1
      if (found === 503) return response.writeHead(503).end()
      if (found === 'hang up') return response.destroy()
    }
    return transport.handleRequest(request, response, JSON.parse(text))
  }
  listener = await listen((...given) => void answer(...given))
  return listener.url
}

const faults: readonly [string, Fault][] = [
  ['fails before it asks for payment', ({ index }) => (index === 0 ? 503 : undefined)],
  ['hangs up before it asks for payment', ({ index }) => (index === 0 ? 'hang up' : undefined)],
  ['fails once it has the proof', ({ isPaid }) => (isPaid ? 503 : undefined)],
  ['hangs up once it has the proof', ({ isPaid }) => (isPaid ? 'hang up' : undefined)],
]

describe.each(payingClients)('a call by $name', (client) => {
  test.each(faults)('whose server %s is signed for once', async (_what, fault) => {
    const world = await toolWorld()
    const url = await faulty(world, fault)
    const uses = ['call-1', 'call-2'].map((id) => ({ id, tool: 'quote', input: { q: 'ACME' } }))
    await client.run(world, url, uses)
    const { rows } = await world.bursar.auditing.payments()
    expect(rows).toHaveLength(1)
    expect(world.chain.transfers().length).toBeLessThanOrEqual(1)
    world.clock.advance(61_000)
    await world.bursar.reconcile()
    const settled = world.chain.transfers().length === 1 ? '0.01' : '0.00'
    expect(await world.session.status()).toMatchObject({ held: '0.00', settled })
  })
})
