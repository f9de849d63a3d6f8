import { inspect } from 'node:util'
import { expect, expectTypeOf, test } from 'vitest'
import type { PayResult } from './pay-result.ts'
import { PaymentSession, type SessionPort } from './payment-session.ts'

const id = 'ses_0123456789abcdef0123456789abcdef'
const secret = `bursar_${id}_secret`

function made(): { session: PaymentSession; calls: unknown[][] } {
  const calls: unknown[][] = []
  const answer =
    (name: string) =>
    async (...given: unknown[]): Promise<never> => {
      calls.push([name, ...given])
      return { status: 'failed', message: 'x' } as never
    }
  const port: SessionPort & { readonly token: string } = {
    token: secret,
    pay: answer('pay'),
    quote: answer('quote'),
    prove: answer('prove'),
    conclude: answer('conclude'),
    status: answer('status'),
    close: answer('close'),
    openChild: answer('openChild'),
  }
  return { session: new PaymentSession(id, port), calls }
}

test('hands its calls on, and gives a call without a key an empty one', async () => {
  const { session, calls } = made()
  const request = { url: 'https://shop.example/a' }
  const call = { conversation: 'thread', id: 'call' }
  await session.pay(request, call)
  await session.pay(request)
  await session.quote(request, call)
  await session.quote(request)
  await session.status()
  await session.close()
  expect(calls).toEqual([
    ['pay', request, call],
    ['pay', request, {}],
    ['quote', request, call],
    ['quote', request, {}],
    ['status'],
    ['close'],
  ])
})

const copies: readonly [string, (session: PaymentSession) => unknown][] = [
  ['JSON', (session) => JSON.parse(JSON.stringify(session))],
  ['a structured clone', (session) => structuredClone(session)],
  ['a spread', (session) => ({ ...session })],
  ['Object.assign', (session) => Object.assign({}, session)],
  [
    'an object of its class',
    (session) => Object.assign(Object.create(PaymentSession.prototype), session),
  ],
  ['an object that inherits from it', (session) => Object.create(session)],
  ['a proxy', (session) => new Proxy(session, {})],
]

test.each(copies)('%s is no session and pays nothing', async (_what, copy) => {
  const { session, calls } = made()
  const copied = copy(session) as PaymentSession
  expect(PaymentSession.is(copied)).toBe(false)
  expect(JSON.stringify(copied)).not.toContain(secret)
  const pay = async (): Promise<PayResult> => copied.pay({ url: 'https://shop.example/a' })
  await expect(pay()).rejects.toThrow(TypeError)
  expect(calls).toEqual([])
})

test('shows its id and nothing else, however it is printed', () => {
  const { session } = made()
  expect(JSON.parse(JSON.stringify({ session }))).toEqual({ session: { session: id } })
  expect({ ...session }).toEqual({ id })
  expect(structuredClone(session)).toEqual({ id })
  expect(Reflect.ownKeys(session)).toEqual(['id'])
  for (const text of [inspect(session, { depth: 9, showHidden: true }), `${session}`]) {
    expect(text).not.toMatch(/secret|token|port/)
  }
})

test('nothing else is a session', () => {
  const { session } = made()
  expect(PaymentSession.is(session)).toBe(true)
  const others = [
    undefined,
    null,
    id,
    {},
    { id },
    { pay: () => undefined },
    PaymentSession,
    () => 0,
  ]
  for (const other of others) expect(PaymentSession.is(other)).toBe(false)
})

test('its type is not met by an object with the same methods', () => {
  expectTypeOf<
    SessionPort & { id: string; toJSON(): { session: string } }
  >().not.toExtend<PaymentSession>()
})
