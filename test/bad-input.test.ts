import { BursarError, guardedHttp, pinnedAssets } from '@bursar/core'
import { sqliteStore } from '@bursar/store-sqlite'
import { expect, test, vi } from 'vitest'
import { type GuardWorld, guardWorld, shop } from './guard-world.ts'

/** Passes a value of any type where TypeScript would reject it, as JavaScript callers can. */
const wrong = (value: unknown) => value as never

const request = { url: shop('a') }

function throwing(): object {
  return new Proxy(
    {},
    {
      ownKeys() {
        throw new Error('trap')
      },
      get() {
        throw new Error('trap')
      },
    },
  )
}

test.each<[string, string, (world: GuardWorld) => unknown]>([
  ['pay', 'call', ({ session }) => session.pay(request, wrong(null))],
  ['pay', 'call.id', ({ session }) => session.pay(request, wrong({ conversation: 'c', id: 42 }))],
  ['pay', 'call.signal', ({ session }) => session.pay(request, wrong({ signal: {} }))],
  ['pay', 'call.onProgress', ({ session }) => session.pay(request, wrong({ onProgress: 5 }))],
  ['quote', 'call', ({ session }) => session.quote(request, wrong(null))],
  ['openChild', 'limits', ({ session }) => session.openChild(wrong({ expiresIn: '1m' }))],
  ['session-revoked', '', (w) => w.bursar.management.revokeSession(w.session.id, wrong(null))],
  [
    'session-revoked',
    'raeson',
    (w) => w.bursar.management.revokeSession(w.session.id, wrong({ raeson: 'x' })),
  ],
  [
    'revokeDelegation',
    '',
    (w) => w.bursar.endUser('alice').revokeDelegation(w.delegation, wrong(null)),
  ],
  ['sessions', 'delegaton', (w) => w.bursar.management.sessions(wrong({ delegaton: 'x' }))],
  ['sessions', 'delegation', (w) => w.bursar.management.sessions(wrong({ delegation: {} }))],
  ['sessions', '', (w) => w.bursar.management.sessions(wrong(null))],
  ['sessions', 'limit', (w) => w.bursar.management.sessions({}, { limit: 0 })],
  ['exposure', 'endUsr', (w) => w.bursar.management.exposure(wrong({ endUsr: 'alice' }))],
  ['session', '', (w) => w.bursar.management.session(wrong(5))],
  ['createSession', '', (w) => w.bursar.management.createSession(wrong(null))],
  ['read', '', (w) => w.bursar.auditing.read(wrong(null))],
  ['read', 'limit', (w) => w.bursar.auditing.read(wrong({ limit: '5' }))],
  ['verify', 'heed', (w) => w.bursar.auditing.verify(wrong({ heed: {} }))],
  ['verify', 'head.seq', (w) => w.bursar.auditing.verify(wrong({ head: {} }))],
  ['payments', 'session', (w) => w.bursar.auditing.payments(wrong({ session: Symbol('x') }))],
  ['subscribe', 'listener', (w) => w.bursar.auditing.subscribe(wrong(5))],
  ['approvals', 'wating', (w) => w.bursar.endUser('alice').approvals(wrong({ wating: true }))],
  ['deny', '', (w) => w.bursar.endUser('alice').deny('apr_1', wrong(null))],
  ['endUser', '', (w) => w.bursar.endUser(wrong(5))],
  ['instrument x', '', (w) => w.bursar.administration.registerInstrument('x', wrong(null))],
  ['sqliteStore', 'path', () => sqliteStore(wrong(undefined))],
])('%s with a wrong %s is one clear error', async (what, field, run) => {
  const world = await guardWorld()
  const records = (await world.bursar.auditing.read()).rows.length
  const thrown = await Promise.resolve()
    .then(() => run(world))
    .catch((error: unknown) => error)
  expect(BursarError.isInstance(thrown) && thrown.code).toBe('invalid_input')
  expect((thrown as Error).message).toMatch(new RegExp(`^${what}.*${field}`))
  expect((await world.bursar.auditing.read()).rows).toHaveLength(records)
})

test('arguments that throw when they are read are no request', async () => {
  const { session } = await guardWorld()
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  for (const input of [throwing(), revoked.proxy]) {
    expect(await session.pay(wrong(input))).toMatchObject({ code: 'request_not_allowed' })
  }
})

test('development hosts are refused in production, through the client as well', () => {
  vi.stubEnv('NODE_ENV', 'production')
  expect(() => guardedHttp({ development: { hosts: ['a.localhost:1'] } })).toThrow('development')
  vi.unstubAllEnvs()
})

test('pinned assets cannot be changed by other code of the process', () => {
  expect(Object.isFrozen(pinnedAssets)).toBe(true)
  expect(pinnedAssets.every((asset) => Object.isFrozen(asset))).toBe(true)
})
