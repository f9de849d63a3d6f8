import { fakePayee } from '@bursar/core/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { payingClients } from '../test/clients.ts'
import { type HttpListener, listenHttp } from '../test/http-listener.ts'
import {
  type ToolName,
  type ToolWorld,
  type ToolWorldOptions,
  toolWorld,
} from '../test/tool-world.ts'

/** The clients of MCP that agents have, each with its framework's own loop. */

let listener: HttpListener | undefined
afterEach(() => listener?.close())
// Mastra logs the errors of its tools.
const silent = vi.spyOn(console, 'error')
beforeAll(() => void silent.mockImplementation(() => {}))
afterAll(() => silent.mockRestore())

async function opened(
  isJson: boolean,
  options?: ToolWorldOptions,
): Promise<ToolWorld & { readonly url: URL }> {
  const world = await toolWorld(options)
  return { ...world, url: await served(world, isJson) }
}

async function served({ makeServer }: ToolWorld, isJson: boolean): Promise<URL> {
  listener = await listenHttp(makeServer, { isJson })
  return listener.url
}

let calls = 0
const use = (tool: ToolName, q = 'ACME') => {
  calls += 1
  return { id: `call-${calls}`, tool, input: { q } }
}

const forms = payingClients.flatMap((client) =>
  [true, false].map((isJson) => ({
    client,
    isJson,
    name: client.name,
    form: isJson ? 'JSON' : 'streams',
  })),
)

describe.each(forms)('an agent of $name, whose server answers in $form,', ({ client, isJson }) => {
  test('pays, gets what is free, and hears what is refused', async () => {
    const world = await opened(isJson, { limits: { currency: 'USD', total: '0.02' } })
    const script = [
      use('quote'),
      use('free'),
      use('typed'),
      use('quote', 'more'),
      use('typed', 'more'),
      use('challenge_text'),
      use('quote'),
    ]
    const told = await client.run(world, world.url, script)
    expect(told).toHaveLength(script.length)
    expect(told[0]).toContain('What quote says.')
    expect(told[1]).toContain('What free says.')
    expect(told[2]).toContain('103.40')
    for (const refused of [told[3], told[4]]) expect(refused).toContain('session_limit_exceeded')
    expect(told[5]).toContain('x402Version')
    expect(told[6]).toBe(told[0])
    expect(world.chain.transfers()).toHaveLength(2)
    const said = told.filter((_, index) => index !== 5).join()
    for (const { signature, authorization } of world.chain.received) {
      const secrets = [signature, authorization.nonce, authorization.from, fakePayee, world.token]
      expect(secrets.filter((secret) => said.includes(secret))).toEqual([])
    }
    expect(said).not.toMatch(/fake-claim|x402/)
  })

  test('is told what is known of a payment, and does not pay it again', async () => {
    const world = await opened(isJson)
    const names = ['undelivered', 'asks_again'] as const
    const told = await client.run(
      world,
      world.url,
      [...names, ...names].map((name) => use(name)),
    )
    expect(told).toHaveLength(4)
    const codes = ['undelivered', 'in_doubt', 'undelivered', 'duplicate_open']
    for (const [index, code] of codes.entries()) expect(told[index]).toContain(code)
    expect(world.chain.received).toHaveLength(2)
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('waits for a human, whose yes is said to the guard', async () => {
    const world = await opened(isJson, { ask: { always: true } })
    const [asked] = await client.run(world, world.url, [use('quote')])
    expect(asked).toContain('approval_required')
    const alice = world.bursar.endUser('alice')
    for (const { id } of (await alice.approvals({ waiting: true })).rows) await alice.approve(id)
    const [paid] = await client.run(world, world.url, [use('quote')])
    expect(paid).toContain('What quote says.')
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('that is stopped before it pays signs nothing', async () => {
    const world = await toolWorld()
    const url = await served(world, isJson)
    const stop = new AbortController()
    world.onCall = () => stop.abort(new Error('the user went away'))
    await client.run(world, url, [use('quote')], stop.signal).catch(() => undefined)
    await world.bursar.close()
    expect(stop.signal.aborted).toBe(true)
    expect(world.chain.received).toEqual([])
  })

  test('that is stopped while it pays loses nothing: the same call gets what was bought', async () => {
    const world = await toolWorld()
    const url = await served(world, isJson)
    const stop = new AbortController()
    world.onCall = ({ isPaid }) => {
      if (isPaid) stop.abort(new Error('the user went away'))
    }
    await client.run(world, url, [use('quote')], stop.signal).catch(() => undefined)
    const state = async () => (await world.bursar.auditing.payments()).rows[0]?.state
    while ((await state()) !== 'claimed') await new Promise(setImmediate)
    const [told] = await client.run(world, url, [use('quote')])
    expect(told).toContain('What quote says.')
    expect(world.chain.transfers()).toHaveLength(1)
  })
})
