import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import type { PaymentSession } from '@bursar/core/session'
import {
  fakeAsset,
  fakeChallenge,
  fakePaidWorld,
  fakePayee,
  type PaidWorld,
  readFakePayload,
} from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { afterEach, describe, expect, test } from 'vitest'
import { type ServiceReach, serviceReach } from '../test/service-reach.ts'
import { connect } from './connect.ts'
import { connectEndUser } from './end-user.ts'
import { connectManagement } from './management.ts'

const id = `ses_${'a'.repeat(32)}`
const token = `bursar_${id}_${'B'.repeat(43)}`
const key = `bursar_key_${'c'.repeat(32)}_${'D'.repeat(43)}`
const request = { url: 'https://shop.example/a', purpose: 'a test' }
const call = { conversation: 'thread', id: 'call-1' }
const money = { amount: '0.99', currency: 'USD' }

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

interface Seen {
  readonly path: string
  readonly body: string
  readonly headers: IncomingMessage['headers']
}

type Reply = (response: ServerResponse, index: number) => void

/** Starts a server with given answers, and connects a session to it. */
async function connectToAnswers(
  reply: Reply,
): Promise<{ url: string; session: PaymentSession; seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    seen.push({ path: incoming.url ?? '', body, headers: incoming.headers })
    reply(response, seen.length - 1)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, session: connect({ url, key, token }), seen }
}

const says =
  (body: unknown, status = 200): Reply =>
  (response) =>
    void response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
const refuses = (code: string, status: number): Reply =>
  says({ type: `urn:bursar:problem:${code}`, code, detail: 'No.' }, status)
const hangsUp: Reply = (response) => void response.destroy()
const inTurn =
  (...replies: readonly [Reply, ...Reply[]]): Reply =>
  (response, index) =>
    (replies[index] ?? replies[0])(response, index)

const inProgress = { status: 'in_progress', message: 'Wait.' }
const receipt = {
  paymentId: 'pay_1',
  amount: '0.01',
  currency: 'USD',
  merchant: 'shop.example',
  payee: '0x1',
  network: 'eip155:8453',
  asset: '0x2',
  at: '2026-01-01T00:00:00.000Z',
  settlement: 'claimed',
}
const response = { status: 200, headers: {}, body: 'aGk=', truncated: false }
const paid = { status: 'paid', receipt, response, remaining: money, message: 'Paid.' }

describe('connect', () => {
  const url = 'https://guard.example'
  test.each([
    ['url', { url: 'guard' }],
    ['url', { url: 'ftp://guard.example' }],
    ['url', { url: 'http://guard.example' }],
    ['url', { url: 'https://a:b@guard.example' }],
    ['url', { url: 'https://guard.example/?a=b' }],
    ['key', { key: '' }],
    ['key', { key: 'two\r\nlines' }],
    ['token', { token: 'bursar_ses_1' }],
    ['token', { token: undefined as never }],
  ])('refuses a wrong %s: %j', (field, wrong) => {
    expect(() => connect({ url, key, token, ...wrong })).toThrow(
      expect.objectContaining({
        code: 'invalid_input',
        message: expect.stringMatching(`^connect: ${field}: `),
      }),
    )
  })

  test('gives a session that shows its id, and neither key nor token', () => {
    const session = connect({ url, key, token })
    expect(session.id).toBe(id)
    const shown = inspect(session, { depth: null, showHidden: true }) + JSON.stringify(session)
    expect(shown).not.toContain('B'.repeat(43))
    expect(shown).not.toContain('D'.repeat(43))
  })
})

describe('an answer', () => {
  test('that is a payment is read, without what nobody knows', async () => {
    const { session } = await connectToAnswers(says({ ...paid, extra: 1 }))
    const body = new TextEncoder().encode('hi')
    expect(await session.pay(request)).toEqual({ ...paid, response: { ...response, body } })
  })

  test.each<[string, unknown]>([
    ['no JSON', '<html>paid</html>'],
    ['nothing', ''],
    ['null', null],
    ['a list', [paid]],
    ['an unknown status', { ...paid, status: 'payed' }],
    ['the name of something inherited', { ...paid, status: 'constructor' }],
    ['a payment without a receipt', { ...paid, receipt: undefined }],
    ['a receipt without an amount', { ...paid, receipt: { ...receipt, amount: 1 } }],
    ['content that is no base64', { ...paid, response: { ...response, body: '%' } }],
    ['a remaining that is no money', { ...paid, remaining: { amount: '-1', currency: 'USD' } }],
    [
      'a price, where it was to be paid',
      { ...paid, status: 'payable', price: money, merchant: 'a' },
    ],
  ])('that is %s is no answer, and is asked for once', async (_, answer) => {
    const { session, seen } = await connectToAnswers(says(answer))
    await expect(session.pay(request, call)).rejects.toMatchObject({
      code: 'service_answer_invalid',
    })
    expect(seen).toHaveLength(1)
  })

  test('of another session is no answer', async () => {
    const { session } = await connectToAnswers(says({ id: `ses_${'e'.repeat(32)}`, state: 'open' }))
    await expect(session.status()).rejects.toMatchObject({ code: 'service_answer_invalid' })
  })

  test('that leads elsewhere is not followed: the key goes nowhere else', async () => {
    const other = await connectToAnswers(says(paid))
    const { session, seen } = await connectToAnswers((answer) =>
      answer.writeHead(307, { location: other.url }).end(),
    )
    await expect(session.pay(request, call)).rejects.toMatchObject({
      code: 'service_answer_invalid',
    })
    expect([seen.length, other.seen.length]).toEqual([1, 0])
  })

  test('that is a problem is thrown by its code, and not asked for again', async () => {
    const { session, seen } = await connectToAnswers(refuses('unauthenticated', 401))
    await expect(session.pay(request, call)).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(seen).toHaveLength(1)
  })
})

describe('an error of a proxy with a code of its own', () => {
  test.each([{}, { type: 'https://proxy.example/overloaded' }])(
    'is not the service’s word: %j',
    async (more) => {
      const { session, seen } = await connectToAnswers(says({ ...more, code: 'overloaded' }, 503))
      await expect(session.pay(request)).rejects.toMatchObject({ code: 'outcome_unknown' })
      expect(seen).toHaveLength(1)
      const refused = says({ ...more, code: 'body_too_large' }, 413)
      const reading = await connectToAnswers(refused)
      await expect(reading.session.status()).rejects.toMatchObject({
        code: 'service_answer_invalid',
      })
      const paying = await connectToAnswers(inTurn(hangsUp, refused))
      await expect(paying.session.pay(request, call)).rejects.toMatchObject({
        code: 'outcome_unknown',
      })
    },
  )
})

describe('a payment that was not answered', () => {
  test('is never sent again without a key', async () => {
    const { session, seen } = await connectToAnswers(hangsUp)
    await expect(session.pay(request)).rejects.toMatchObject({ code: 'outcome_unknown' })
    expect(seen).toHaveLength(1)
  })

  test('is sent again with a key, unchanged, and a bounded number of times', async () => {
    const { session, seen } = await connectToAnswers(
      inTurn(hangsUp, says('', 502), says(inProgress)),
    )
    expect(await session.pay(request, call)).toEqual(inProgress)
    expect(seen).toHaveLength(3)
    expect(new Set(seen.map(({ body }) => body)).size).toBe(1)
    const never = await connectToAnswers(hangsUp)
    await expect(never.session.pay(request, call)).rejects.toMatchObject({
      code: 'outcome_unknown',
    })
    expect(never.seen).toHaveLength(4)
  })

  test('stays unknown where the next attempt is turned away', async () => {
    const busy = refuses('overloaded', 503)
    const { session } = await connectToAnswers(inTurn(hangsUp, busy, busy, busy))
    await expect(session.pay(request, call)).rejects.toMatchObject({ code: 'outcome_unknown' })
    const ended = await connectToAnswers(inTurn(hangsUp, refuses('unauthenticated', 401)))
    await expect(ended.session.pay(request, call)).rejects.toMatchObject({
      code: 'outcome_unknown',
    })
    expect(ended.seen).toHaveLength(2)
  })

  test('was not made where the next attempt is told that it can be none', async () => {
    const { session } = await connectToAnswers(inTurn(hangsUp, refuses('body_too_large', 413)))
    expect(await session.pay(request, call)).toMatchObject({ code: 'request_not_allowed' })
    const reading = await connectToAnswers(inTurn(hangsUp, refuses('unauthenticated', 401)))
    await expect(reading.session.status()).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('is sent again where the service says that it has not begun', async () => {
    const { session, seen } = await connectToAnswers(
      inTurn(refuses('shutting_down', 503), says(inProgress)),
    )
    expect(await session.pay(request)).toEqual(inProgress)
    expect(seen).toHaveLength(2)
  })

  test('is not sent again without a key where the service has failed', async () => {
    const { session, seen } = await connectToAnswers(refuses('store_failed', 503))
    await expect(session.pay(request)).rejects.toMatchObject({ code: 'store_failed' })
    expect(seen).toHaveLength(1)
  })
})

describe('a call that is stopped', () => {
  test('before it was sent has paid nothing', async () => {
    const { session, seen } = await connectToAnswers(says(paid))
    const result = await session.pay(request, { signal: AbortSignal.abort() })
    expect(result.status).toBe('failed')
    expect(seen).toEqual([])
  })

  test('while it is under way has an unknown outcome, and is not sent again', async () => {
    const stop = new AbortController()
    const { session, seen } = await connectToAnswers(() => stop.abort())
    const paying = session.pay(request, { ...call, signal: stop.signal })
    await expect(paying).rejects.toMatchObject({ code: 'outcome_unknown' })
    expect(seen).toHaveLength(1)
  })
})

test('a proof that was not answered has an unknown outcome; with a key it is asked for again', async () => {
  const { session, seen } = await connectToAnswers(hangsUp)
  const challenge = { server: 'shop.example', tool: 't', message: {} }
  await expect(session.prove(challenge)).rejects.toMatchObject({ code: 'outcome_unknown' })
  expect(seen).toHaveLength(1)
  await expect(session.prove(challenge, call)).rejects.toMatchObject({ code: 'outcome_unknown' })
  expect(seen.length).toBeGreaterThan(2)
})

test('an answer of a tool that nobody would read is concluded as none', async () => {
  const { session, seen } = await connectToAnswers(says({ status: 'in_progress', message: 'wait' }))
  const endless: { own?: unknown } = {}
  endless.own = endless
  await session.conclude('pay_1', endless)
  await session.conclude('pay_1', { result: 'x'.repeat(5_300_000) })
  await session.conclude('pay_1', { result: 1 })
  expect(seen.map(({ body }) => body)).toEqual(['{}', '{}', '{"message":{"result":1}}'])
})

test('a request that is no JSON is refused as a value', async () => {
  const { session, seen } = await connectToAnswers(says(paid))
  const result = await session.pay({ ...request, body: 1n })
  expect(result).toMatchObject({ status: 'denied', code: 'request_not_allowed' })
  expect(seen).toEqual([])
})

test('a write keeps its idempotency key over its attempts, and has a new one each time', async () => {
  const created = { id, token, expiresAt: '2026-01-01T00:00:00.000Z' }
  const { url, seen } = await connectToAnswers((answer, index) =>
    (index === 0 ? hangsUp : says(created, 201))(answer, index),
  )
  const management = connectManagement({ url, key })
  const limits = { currency: 'USD', total: '1.00' }
  const input = { delegation: 'del_1', expiresIn: '30m', limits, payer: 'key_1' }
  expect(await management.createSession(input)).toEqual(created)
  await management.createSession(input)
  await management.createSession(input, { idempotencyKey: 'the-caller-s-own-key' })
  const [first, again, second, third] = seen.map(({ headers }) => headers['idempotency-key'])
  expect(again).toBe(first)
  expect(second).not.toBe(first)
  expect(third).toBe('the-caller-s-own-key')
})

describe('over a real service', () => {
  async function realWorld(): Promise<{ world: PaidWorld; reach: () => ServiceReach }> {
    let found: ServiceReach | undefined
    const world = fakePaidWorld({
      store: (clock) => sqliteStore({ path: ':memory:', clock }),
      reach: async (bursar) => {
        found = await serviceReach(bursar)
        return found
      },
    })
    closing.push(() => world.close())
    return { world, reach: () => found as ServiceReach }
  }

  test('a session pays, opens a child that pays, and ends', async () => {
    const { world } = await realWorld()
    const { session } = await world.openSession()
    const first = await session.pay({ url: world.url('paid', 'a'), purpose: 'a test' }, call)
    expect(first).toMatchObject({ status: 'paid', receipt: { amount: '0.01' } })
    expect(await session.pay({ url: world.url('paid', 'a'), purpose: 'a test' }, call)).toEqual(
      first,
    )
    const limits = { currency: 'USD', total: '0.05' }
    const child = await session.openChild({ limits, expiresIn: '10m' })
    const second = await child.session.pay({ url: world.url('paid', 'b'), purpose: 'a test' })
    expect(second).toMatchObject({ status: 'paid', remaining: { amount: '0.04' } })
    expect(await session.status()).toMatchObject({ state: 'open', payments: 2 })
    await session.close()
    const refused = await session.pay({ url: world.url('paid', 'c'), purpose: 'a test' })
    expect(refused).toMatchObject({ status: 'denied', code: 'session_revoked' })
    expect(await world.moved()).toBe(2)
  })

  test('a proof is made for a call, and concluded with what came', async () => {
    const { world, reach } = await realWorld()
    const { delegation } = await world.openSession()
    const { url, keys, payer, key } = reach()
    const management = connectManagement({ url, key: keys.manager })
    const { token } = await management.createSession({
      delegation,
      expiresIn: '1h',
      limits: { currency: 'USD', total: '1.00' },
      merchants: [{ host: 'shop.example', payees: [fakePayee] }],
      payer,
    })
    const session = connect({ url, key: String(key), token })
    const { network, address: asset } = fakeAsset
    const terms = { scheme: 'exact', network, asset, payee: fakePayee, validForSeconds: 60 }
    const { body } = fakeChallenge([{ ...terms, atomic: 10_000n }])
    const data: unknown = JSON.parse(new TextDecoder().decode(body))
    const challenge = { server: 'shop.example', tool: 'search', message: { error: { data } } }
    const signed = await session.prove(challenge, call)
    if (signed.status !== 'signed') throw new Error(signed.message)
    expect(readFakePayload(signed.payload as Record<string, string>)).toBeDefined()
    expect(await session.prove(challenge, call)).toEqual(signed)
    const concluded = await session.conclude(signed.paymentId, undefined)
    expect(concluded).toMatchObject({ status: 'in_doubt', paymentId: signed.paymentId })
    await expect(session.conclude('pay_none', undefined)).rejects.toMatchObject({
      code: 'payment_unknown',
    })
    await management.revokeSession(session.id)
    const cancelled = await management.cancel({ session: session.id }, { reason: 'test' })
    expect(cancelled.payments.map(({ id }) => id)).toEqual([signed.paymentId])
  })

  test('an end user limits what all agents spend, and cancels what is theirs', async () => {
    const { world, reach } = await realWorld()
    const { session } = await world.openSession()
    const { url, keys } = reach()
    const endUser = connectEndUser({ url, key: keys.end_user })
    expect(await endUser.limits()).toBeUndefined()
    const limits = { currency: 'USD', total: '0.01' }
    const limited = await endUser.setLimits(limits, { reason: 'enough' })
    expect(limited).toMatchObject({ endUser: 'alice', limits, remaining: '0.01' })
    expect(await endUser.limits()).toEqual(limited)
    const buy = (path: string) => session.pay({ url: world.url('paid', path), purpose: 'a test' })
    expect((await buy('a')).status).toBe('paid')
    expect(await buy('b')).toMatchObject({ code: 'end_user_limit_exceeded' })
    const [payment] = (await endUser.payments()).rows
    const cancelled = await endUser.cancel({ payment: String(payment?.id) })
    expect(cancelled.payments).toMatchObject([{ id: payment?.id }])
    await expect(endUser.cancel({ payment: 'pay_none' })).rejects.toMatchObject({
      code: 'payment_unknown',
    })
    await expect(endUser.cancel({} as never)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(endUser.allowAgain(String(payment?.id))).rejects.toMatchObject({
      code: 'payment_not_undelivered',
    })
  })

  test('managers and end users do what they do in one process', async () => {
    const { world, reach } = await realWorld()
    const { session, delegation } = await world.openSession({ ask: { always: true } })
    const { url, keys, payer } = reach()
    const management = connectManagement({ url, key: keys.manager })
    const endUser = connectEndUser({ url, key: keys.end_user })
    const limits = { currency: 'USD', total: '2.00' }

    const created = await management.createSession({ delegation, expiresIn: '1h', limits, payer })
    expect(await management.session(created.id)).toMatchObject({ state: 'open', remaining: '2.00' })
    const changed = await management.changeSession(created.id, { expiresIn: '2h' })
    expect(changed.id).toBe(created.id)
    expect((await management.sessions({ delegation }, { limit: 1 })).rows).toHaveLength(1)
    expect((await management.revokeSession(created.id, { reason: 'done' })).state).toBe('revoked')
    await expect(management.session('ses_nothing')).rejects.toMatchObject({
      code: 'session_unknown',
    })

    const buy = { url: world.url('paid', 'a'), purpose: 'a test' }
    expect((await session.pay(buy, call)).status).toBe('approval_required')
    const asked = await endUser.approvalOf({ session: session.id, ...call })
    expect((await endUser.approvals({ waiting: true })).rows).toEqual([asked])
    expect((await endUser.approve(asked?.id ?? '')).state).toBe('approved')
    expect((await session.pay(buy, call)).status).toBe('paid')
    expect((await endUser.payments()).rows).toMatchObject([{ amount: '0.01' }])
    expect(await endUser.exposure()).toEqual(await management.exposure({ endUser: 'alice' }))
    expect((await endUser.sessions()).rows.map((one) => one.id)).toEqual([session.id, created.id])
    const granted = await endUser.grantDelegation({
      agent: 'b',
      instrument: 'alice-wallet',
      expiresIn: '1d',
      limits,
      merchants: [{ host: 'shop.example' }],
      consent: { how: 'test' },
    })
    expect((await endUser.delegations()).rows.map((one) => one.id)).toContain(granted.id)
    expect(await endUser.readPermission(granted.id)).toBe('absent')
    expect(await endUser.funding('alice-wallet')).toMatchObject({ instrument: 'alice-wallet' })
    expect((await endUser.revokeDelegation(granted.id)).state).toBe('revoked')
  })
})
