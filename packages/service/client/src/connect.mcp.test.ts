import { fakePayee } from '@bursar/core/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { payingClients } from '../../../adapters/mcp/test/clients.ts'
import { aiSdkExceptions } from '../../../adapters/mcp/test/exceptions.ts'
import { listenHttp } from '../../../adapters/mcp/test/http-listener.ts'
import { agent } from '../../../adapters/mcp/test/scripted-agent.ts'
import { SERVER, toolWorld } from '../../../adapters/mcp/test/tool-world.ts'
import { testConnected } from '../test/connected-suite.ts'
import { serviceReach } from '../test/service-reach.ts'

testConnected('@bursar/mcp', agent, aiSdkExceptions)

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Opens a server with paid tools, and a session whose guard is reached over HTTP. */
async function openPaidTools() {
  const world = await toolWorld()
  const { bursar } = world
  const { delegation } = await bursar.management.session(world.session.id)
  const reach = await serviceReach(bursar)
  const tools = await listenHttp(world.makeServer)
  closing.push(() => bursar.close(), reach.close, tools.close)
  const { token } = await bursar.management.createSession({
    delegation,
    expiresIn: '1h',
    limits: { currency: 'USD', total: '0.02' },
    merchants: [{ host: SERVER, payees: [fakePayee] }],
    payer: reach.payer,
  })
  const session = reach.openSession(token)
  return { session, url: tools.url, chain: world.chain, secrets: [token, String(reach.key)] }
}

describe.each(payingClients)('connect, with paid tools under $name,', (client) => {
  test('pays for a tool, knows what came of each call, and stays within its session', async () => {
    const { session, url, chain, secrets } = await openPaidTools()
    const names = ['quote', 'free', 'undelivered', 'typed', 'quote', 'other_payee']
    const script = names.map((tool, index) => ({ id: `call-${index}`, tool, input: { q: 'A' } }))
    const told = await client.run({ session }, url, script)
    expect(told).toHaveLength(names.length)
    expect(told[0]).toContain('What quote says.')
    expect(told[1]).toContain('What free says.')
    expect(told[2]).toContain('undelivered')
    expect(told[3]).toContain('session_limit_exceeded')
    expect(told[4]).toBe(told[0])
    expect(told[5]).toContain('denied')
    expect(chain.transfers()).toHaveLength(2)
    expect(await session.status()).toMatchObject({ remaining: '0.00', payments: 2 })
    expect(secrets.filter((secret) => told.join().includes(secret))).toEqual([])
  })
})
