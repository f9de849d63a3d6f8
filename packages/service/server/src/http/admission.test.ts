import { describe, expect, test, vi } from 'vitest'
import { call, payBody, serviceWorld } from '../../test/world.ts'
import { MAX_UNREAD_MS } from '../api/service-limits.ts'
import { createAdmission } from './admission.ts'

const MINUTE_MS = 60_000

describe('admission', () => {
  test('counts requests in flight, in total and for each caller', () => {
    const admission = createAdmission({
      concurrent: 3,
      concurrentPerCaller: 1,
      strangersPerMinute: 1,
    })
    const leave = [admission.enter(), admission.enter(), admission.enter()]
    expect(admission.enter()).toBe(undefined)
    leave[0]?.()
    leave[0]?.()
    expect(admission.countInFlight()).toBe(2)
    expect(admission.enter()).toBeTypeOf('function')
    const first = admission.enterAs('a', 0)
    expect(first).toBeTypeOf('function')
    expect(admission.enterAs('a', 0)).toBe('too-many')
    expect(admission.enterAs('b', 0)).toBeTypeOf('function')
    if (typeof first === 'function') first()
    expect(admission.enterAs('a', 0)).toBeTypeOf('function')
  })

  test('counts requests of a caller and unauthenticated requests by the minute', () => {
    const admission = createAdmission({ requestsPerMinute: 2, strangersPerMinute: 1 })
    const as = (name: string, now: number) => typeof admission.enterAs(name, now)
    expect([as('a', 0), as('a', 1), as('b', 2)]).toEqual(['function', 'function', 'function'])
    expect(admission.enterAs('a', 3)).toBe('too-often')
    expect([admission.countStranger(3), admission.countStranger(4)]).toEqual(['within', 'over'])
    expect(as('a', MINUTE_MS)).toBe('function')
    expect(admission.countStranger(MINUTE_MS)).toBe('within')
  })
})

describe('over HTTP', () => {
  test('a caller that guesses tokens does not keep another caller from its sessions', async () => {
    const world = await serviceWorld()
    const { app } = world.another()
    const other = await world.bursar.administration.issueKey({ roles: ['payer'], expiresIn: '1d' })
    const guess = (index: number) => {
      const token = `bursar_ses_${`${index}`.padStart(32, '0')}_${'A'.repeat(43)}`
      return call(app, other.key, 'GET', '/v1/session', { token })
    }
    for (let index = 0; index <= 1_000; index += 1) await guess(index)
    const { token } = world.session
    const own = await call(app, world.keys.payer.key, 'GET', '/v1/session', { token })
    expect(own.body.state).toBe('open')
  })

  test('a caller whose bodies are too large together waits, and others do not', async () => {
    const world = await serviceWorld({ bounds: { bodyBytesPerMinute: 1_000 } })
    const body = JSON.stringify({ head: 'x'.repeat(400) })
    const verify = async (headers = {}) => {
      const answer = await world.call('auditor', 'POST', '/v1/audit/verify', { body, headers })
      return answer.body.code
    }
    const said = { 'content-length': `${body.length}` }
    expect([await verify(said), await verify(), await verify(), await verify(said)]).toEqual([
      'invalid_input',
      'invalid_input',
      'request_rate_exceeded',
      'request_rate_exceeded',
    ])
    expect((await world.call('auditor', 'GET', '/v1/caller')).status).toBe(200)
    const { token } = world.session
    const pay = { token, body: payBody('a') }
    expect((await world.call('payer', 'POST', '/v1/session/pay', pay)).body.status).toBe('paid')
    expect(world.app.countInFlight()).toBe(0)
  })

  test('a HEAD request runs no operation and keeps no place', async () => {
    const world = await serviceWorld()
    const headers = { authorization: `Bearer ${world.keys.auditor.key}` }
    const request = new Request('http://bursar.test/v1/audit/export', { method: 'HEAD', headers })
    const head = await world.app.fetch(request)
    expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET'])
    expect(world.app.countInFlight()).toBe(0)
  })

  test('a caller that sends too many requests waits, and others do not', async () => {
    const world = await serviceWorld({ bounds: { requestsPerMinute: 2 } })
    const status = async (who: 'payer' | 'manager') =>
      (await world.call(who, 'GET', '/v1/caller')).status
    expect([await status('payer'), await status('payer'), await status('payer')]).toEqual([
      200, 200, 429,
    ])
    expect(await status('manager')).toBe(200)
    const refused = await world.call('payer', 'GET', '/v1/caller')
    expect(refused.body.code).toBe('request_rate_exceeded')
    expect(refused.headers.get('retry-after')).toBe('60')
  })

  test('a place is free again after every kind of response', async () => {
    const world = await serviceWorld({ bounds: { concurrent: 1, concurrentPerCaller: 1 } })
    const some: readonly (readonly [string | undefined, string, string, object])[] = [
      [undefined, 'GET', '/v1/caller', {}],
      ['payer', 'GET', '/v1/keys', {}],
      ['auditor', 'POST', '/v1/audit/verify', { body: '{' }],
      ['auditor', 'GET', '/v1/audit/export', {}],
      ['manager', 'GET', '/v1/sessions/ses_none', {}],
      ['payer', 'GET', '/v1/session', { token: 'none' }],
    ]
    for (const [who, method, path, options] of some) {
      expect((await world.call(who, method, path, options)).status).not.toBe(503)
      expect(world.app.countInFlight()).toBe(0)
    }
  })

  test('a stream that is not read to its end gives its place back', async () => {
    const world = await serviceWorld({ bounds: { concurrent: 1 } })
    const request = new Request('http://bursar.test/v1/audit/export', {
      headers: { authorization: `Bearer ${world.keys.auditor.key}` },
    })
    const response = await world.app.fetch(request)
    expect(world.app.countInFlight()).toBe(1)
    expect((await world.call('payer', 'GET', '/v1/caller')).body.code).toBe('overloaded')
    await response.body?.cancel()
    expect((await world.call('payer', 'GET', '/v1/caller')).status).toBe(200)
  })

  test('each caller gets one stream at a time, and a stream without a reader ends', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const world = await serviceWorld()
      const request = new Request('http://bursar.test/v1/audit/export', {
        headers: { authorization: `Bearer ${world.keys.auditor.key}` },
      })
      const unread = await world.app.fetch(request)
      const second = await world.app.fetch(request)
      expect([second.status, await second.json()]).toMatchObject([503, { code: 'overloaded' }])
      // The stream waits for its reader from here on.
      await vi.advanceTimersByTimeAsync(MAX_UNREAD_MS)
      expect(world.app.countInFlight()).toBe(0)
      await expect(unread.text()).rejects.toThrow('its reader stopped')
      const third = await world.app.fetch(request)
      expect(await third.text()).toContain('"seq":1')
    } finally {
      vi.useRealTimers()
    }
  })

  test('a slow merchant holds the places of one caller only', async () => {
    let answer = (): void => {}
    let arrived = (): void => {}
    const isAsked = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const mayAnswer = new Promise<void>((resolve) => {
      answer = resolve
    })
    const world = await serviceWorld({
      bounds: { concurrentPerCaller: 1 },
      merchant: {
        onMoment: async () => {
          arrived()
          await mayAnswer
        },
      },
    })
    const { token } = world.session
    const pay = () => world.call('payer', 'POST', '/v1/session/pay', { token, body: payBody('a') })
    const first = pay()
    await isAsked
    expect(await pay()).toMatchObject({ status: 503, body: { code: 'overloaded' } })
    expect((await world.call('manager', 'GET', '/v1/caller')).status).toBe(200)
    answer()
    expect((await first).body.status).toBe('paid')
  })

  test('a first revoke passes on a server that has seen a thousand made-up keys', async () => {
    const world = await serviceWorld()
    const { app } = world.another()
    const guess = (index: number) =>
      call(app, `bursar_key_${`${index}`.padStart(32, '0')}_${'A'.repeat(43)}`, 'GET', '/v1/caller')
    const guesses = await Promise.all(Array.from({ length: 1_000 }, (_, index) => guess(index)))
    expect(new Set(guesses.map(({ status }) => status))).toEqual(new Set([401]))
    const path = `/v1/me/delegations/${world.delegation}/revoke`
    const revoked = await call(app, world.keys.end_user.key, 'POST', path, { body: {} })
    expect([revoked.status, revoked.body.state]).toEqual([200, 'revoked'])
  })

  test('unauthenticated requests are limited in rate', async () => {
    const world = await serviceWorld({ bounds: { strangersPerMinute: 3 } })
    const guess = async () => (await world.call('guess', 'GET', '/v1/caller')).status
    expect([await guess(), await guess(), await guess(), await guess()]).toEqual([
      401, 401, 401, 429,
    ])
    expect((await world.call('payer', 'GET', '/v1/caller')).status).toBe(200)
  })
})
