import { readFileSync } from 'node:fs'
import { fakePaidWorld, type PaidSession, type PaidWorld } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import {
  CallToolResultSchema,
  ElicitRequestSchema,
  type Progress,
} from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type PaymentServerOptions, paymentServer } from './payment-server.ts'
import { version } from './version.ts'

let world: PaidWorld
let paid: PaidSession

beforeEach(async () => {
  world = fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) })
  paid = await world.openSession({ ask: { above: '0.005' } })
})
afterEach(() => world.close())

type Person = (question: { readonly message: string }) => Promise<string> | string

/** Connects the official client, with or without a person at it. */
async function connected(options: Partial<PaymentServerOptions>, person?: Person) {
  const [near, far] = InMemoryTransport.createLinkedPair()
  await paymentServer({ session: paid.session, ...options }).connect(far)
  const capabilities = person ? { elicitation: {} } : {}
  const client = new Client({ name: 'test', version: '1' }, { capabilities })
  if (person) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({
      action: (await person(params)) as 'accept',
    }))
  }
  await client.connect(near)
  return client
}

const input = (name = 'a') => ({ url: world.url('paid', name), purpose: 'a test' })

async function pay(
  client: Client,
  given: object = input(),
  options: Parameters<Client['callTool']>[2] = {},
  meta: object = {},
): Promise<Record<string, unknown>> {
  const params = {
    name: 'pay_within_session',
    arguments: given as Record<string, unknown>,
    ...meta,
  }
  const result = await client.callTool(params, CallToolResultSchema, options)
  const [first] = result.content as { text: string }[]
  return JSON.parse(first?.text ?? '')
}

async function agree(): Promise<void> {
  const { rows } = await paid.endUser.approvals({ waiting: true })
  for (const { id } of rows) await paid.endUser.approve(id)
}

describe('paymentServer', () => {
  test('has the version of its package', () => {
    const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
    expect(JSON.parse(manifest).version).toBe(version)
  })

  test('has one tool, and knows no other', async () => {
    const client = await connected({})
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['pay_within_session'])
    await expect(client.callTool({ name: 'other', arguments: {} })).rejects.toThrow(/Unknown tool/)
    await expect(client.listPrompts()).rejects.toThrow()
  })

  test('takes the session from what the middleware says, and from nothing that a client says', async () => {
    const asked: unknown[] = []
    const client = await connected({
      session: (auth) => {
        asked.push(auth)
        return undefined
      },
    })
    const forged = { authInfo: { token: 'x' }, session: paid.id, extra: { turn: paid.id } }
    const told = await pay(client, { ...input(), ...forged }, {}, { _meta: forged })
    expect(told).toMatchObject({ status: 'denied', code: 'session_unknown' })
    expect(asked).toEqual([undefined])
    expect(await world.signed()).toBe(0)
  })

  test('pays once for the same request in a conversation, also over another connection', async () => {
    const rich = await world.openSession()
    const options = { session: rich.session, conversation: 'chat-1' }
    const first = await pay(await connected(options))
    await world.advance(20 * 60_000)
    expect(await pay(await connected(options))).toEqual(first)
    expect(first).toMatchObject({ status: 'paid' })
    expect(await pay(await connected(options), input('b'))).toMatchObject({ status: 'paid' })
    expect(await world.moved()).toBe(2)
  })

  test('pays the same request again later where there is no conversation, and once right after', async () => {
    const { session } = await world.openSession()
    const client = await connected({ session })
    const told = [await pay(client), await pay(client)]
    await world.advance(20 * 60_000)
    told.push(await pay(client))
    expect(told.map(({ status }) => status)).toEqual(['paid', 'paid', 'paid'])
    expect(await world.moved()).toBe(2)
  })

  test('says that a payment is in doubt, and does not pay it again', async () => {
    const { session } = await world.openSession()
    const client = await connected({ session })
    const given = { url: world.url('in_doubt', 'a'), purpose: 'a test' }
    expect(await pay(client, given)).toMatchObject({ status: 'in_doubt' })
    expect(await pay(client, given)).toMatchObject({ code: 'duplicate_open' })
    expect(await world.signed()).toBe(1)
  })

  test('tells each step to a client that wants to know', async () => {
    const { session } = await world.openSession()
    const client = await connected({ session })
    const steps: Progress[] = []
    await pay(client, input(), { onprogress: (step) => void steps.push(step) })
    expect(steps).toMatchObject([
      { progress: 1, message: 'quoting' },
      { progress: 2, message: 'deciding' },
      { progress: 3, message: 'signing' },
      { progress: 4, message: 'sending' },
    ])
  })

  test.each([
    ['asking', 0],
    ['paying', 1],
  ] as const)(
    'a call that is given up while it is %s is paid as it should be',
    async (moment, moved) => {
      const { session } = await world.openSession()
      const client = await connected({ session })
      const stop = new AbortController()
      world.before(moment, () => stop.abort())
      await expect(pay(client, input(), { signal: stop.signal })).rejects.toThrow()
      await world.close()
      expect(await world.moved()).toBe(moved)
    },
  )
})

describe('a question', () => {
  test('shows what would be paid to whom for what, and whose words are whose', async () => {
    const shown: string[] = []
    const client = await connected({}, ({ message }) => {
      shown.push(message)
      return 'cancel'
    })
    expect(await pay(client)).toMatchObject({ status: 'approval_required' })
    expect(shown.join()).toBe(
      [
        'researcher wants to pay 0.01 USD to shop.example.',
        'For: GET /paid/a',
        'The agent\'s own, unchecked reason: "a test"',
        'To allow this payment, approve it in the application where you set the budget. Then accept here to try the payment again. Accepting here alone approves nothing.',
      ].join('\n'),
    )
  })

  test('is not shown by a client that cannot ask', async () => {
    expect(await pay(await connected({}))).toMatchObject({ status: 'approval_required' })
  })

  test('accepted by the client alone pays nothing, and stops asking', async () => {
    let asked = 0
    const client = await connected({}, () => {
      asked += 1
      return 'accept'
    })
    expect(await pay(client)).toMatchObject({ status: 'approval_required' })
    expect(asked).toBe(5)
    expect(await world.signed()).toBe(0)
  })

  test('is answered in the application, and then the call goes on', async () => {
    const client = await connected({}, async () => {
      await agree()
      return 'accept'
    })
    expect(await pay(client)).toMatchObject({ status: 'paid' })
    expect(await world.moved()).toBe(1)
  })

  test('declined at the client pays nothing, whatever was agreed', async () => {
    const client = await connected({}, async () => {
      await agree()
      return 'decline'
    })
    expect(await pay(client)).toMatchObject({ status: 'denied', code: 'approval_denied' })
    expect(await world.signed()).toBe(0)
  })

  test.each(['cancel', 'nonsense'])(
    'answered with %s leaves it to the application',
    async (said) => {
      const client = await connected({}, () => said)
      expect(await pay(client)).toMatchObject({ status: 'approval_required' })
      await agree()
      expect(await pay(client)).toMatchObject({ status: 'paid' })
    },
  )

  test('ends with the call that it belongs to', async () => {
    const stop = new AbortController()
    const client = await connected({}, () => {
      stop.abort()
      return new Promise(() => {})
    })
    await expect(pay(client, input(), { signal: stop.signal })).rejects.toThrow()
    await world.close()
    expect(await world.signed()).toBe(0)
  })
})
