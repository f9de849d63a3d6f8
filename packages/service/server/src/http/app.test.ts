import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { HOST, payBody, type ServiceWorld, serviceWorld } from '../../test/world.ts'

const limits = { currency: 'USD', total: '0.50' }
const once = { 'idempotency-key': '0190a5f2-1111-7000-8000-000000000001' }

function sessionInput(world: ServiceWorld, payer = world.keys.payer.id) {
  return { delegation: world.delegation, expiresIn: '10m', limits, payer }
}

describe('paying over HTTP', () => {
  test('works with the payer’s key and the session’s token together', async () => {
    const { call, session } = await serviceWorld()
    const paid = await call('payer', 'POST', '/v1/session/pay', {
      token: session.token,
      body: payBody('quote'),
    })
    expect(paid).toMatchObject({
      status: 200,
      body: { status: 'paid', receipt: { merchant: HOST }, remaining: { amount: '0.99' } },
    })
    expect(Buffer.from(paid.body.response.body, 'base64').toString()).toBe('{"delivered":true}')
    const status = await call('payer', 'GET', '/v1/session', { token: session.token })
    expect(status.body).toMatchObject({ state: 'open', held: '0.01' })
  })

  test('a session token does not pay with another payer’s key', async () => {
    const world = await serviceWorld()
    const other = await world.bursar.administration.issueKey({ roles: ['payer'], expiresIn: '1d' })
    const { token } = world.session
    const stolen = { token, body: payBody('quote') }
    const refused = await world.call(other.key, 'POST', '/v1/session/pay', stolen)
    expect(refused.body).toMatchObject({ status: 'denied', code: 'session_unknown' })
    for (const path of ['/v1/session/children', '/v1/session/close']) {
      const body = path.endsWith('children') ? { limits, expiresIn: '1m' } : undefined
      await world.call(other.key, 'POST', path, { token, body })
    }
    expect(world.merchant.requests).toEqual([])
    expect((await world.call('payer', 'GET', '/v1/session', { token })).body.state).toBe('open')
  })

  test('a session without a payer cannot be used over HTTP', async () => {
    const { call, bursar, delegation, merchant } = await serviceWorld()
    const input = { delegation, expiresIn: '10m', limits }
    const { token } = await bursar.management.createSession(input)
    const pay = { token, body: payBody('quote') }
    expect((await call('payer', 'POST', '/v1/session/pay', pay)).body.code).toBe('session_unknown')
    expect(merchant.requests).toEqual([])
  })

  test('the manager that has created a session cannot pay with its token', async () => {
    const world = await serviceWorld()
    const created = await world.call('manager', 'POST', '/v1/sessions', {
      body: sessionInput(world),
    })
    const { token } = created.body
    const pay = { token, body: payBody('quote') }
    expect(await world.call('manager', 'POST', '/v1/session/pay', pay)).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    })
    expect((await world.call('payer', 'POST', '/v1/session/pay', pay)).body.status).toBe('paid')
  })

  test('a call with a key is paid once, however often it is sent', async () => {
    const { call, session, chain } = await serviceWorld()
    const pay = () =>
      call('payer', 'POST', '/v1/session/pay', {
        token: session.token,
        body: payBody('quote', 'call-1'),
      })
    const [first, second] = await Promise.all([pay(), pay()])
    expect(second?.body).toEqual(first?.body)
    expect((await pay()).body.receipt).toEqual(first?.body.receipt)
    expect(chain.transfers()).toHaveLength(1)
  })

  test('an invalid request of the model is a denial, not a problem', async () => {
    const { call, session } = await serviceWorld()
    const body = { request: { url: 7, budget: '9' } }
    const answer = await call('payer', 'POST', '/v1/session/pay', { token: session.token, body })
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'denied', code: 'request_not_allowed' },
    })
  })

  test('a child session is bound to the same payer', async () => {
    const { call, session } = await serviceWorld()
    const open = () =>
      call('payer', 'POST', '/v1/session/children', {
        token: session.token,
        body: { limits, expiresIn: '5m' },
        headers: once,
      })
    const child = await open()
    expect(child.status).toBe(201)
    expect((await open()).body).toEqual(child.body)
    const { token } = child.body
    const pay = { token, body: payBody('quote') }
    expect((await call('payer', 'POST', '/v1/session/pay', pay)).body.status).toBe('paid')
  })
})

describe('every write', () => {
  test('is recorded with its caller, and background writes without one', async () => {
    const world = await serviceWorld()
    const { call, keys, bursar, session } = world
    await call('payer', 'POST', '/v1/session/pay', { token: session.token, body: payBody('a') })
    await bursar.reconcile()
    await call('manager', 'POST', `/v1/sessions/${session.id}/revoke`)
    await call('end_user', 'POST', `/v1/me/delegations/${world.delegation}/revoke`)
    const { rows } = await bursar.auditing.read({ limit: 500 })
    const callers = (type: string) =>
      rows.filter(({ event }) => event.type === type).map(({ event }) => event.caller)
    expect(callers('session-revoked')).toEqual([{ id: keys.manager.id, roles: ['manager'] }])
    expect(callers('delegation-revoked')).toEqual([{ id: keys.end_user.id, roles: ['end_user'] }])
    expect(callers('payment-reserved')).toEqual([undefined])
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('is done once for an idempotency key of its caller', async () => {
    const world = await serviceWorld()
    const create = (key: string, total: string) =>
      world.call(key, 'POST', '/v1/sessions', {
        body: { ...sessionInput(world), limits: { currency: 'USD', total } },
        headers: once,
      })
    const first = await create('manager', '0.10')
    expect(first.status).toBe(201)
    expect((await create('manager', '0.10')).body).toEqual(first.body)
    expect(await create('manager', '0.20')).toMatchObject({
      status: 409,
      body: { code: 'idempotency_conflict' },
    })
    const other = await world.bursar.administration.issueKey({
      roles: ['manager'],
      expiresIn: '1d',
    })
    const theirs = await create(other.key, '0.20')
    expect(theirs.status).toBe(201)
    expect(theirs.body.id).not.toBe(first.body.id)
  })

  test.each(['short', 'x'.repeat(101), 'with a blank, which is long enough'])(
    '%j is no idempotency key',
    async (key) => {
      const world = await serviceWorld()
      const refused = await world.call('manager', 'POST', '/v1/sessions', {
        body: sessionInput(world),
        headers: { 'idempotency-key': key },
      })
      expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    },
  )

  test('a session needs a payer', async () => {
    const world = await serviceWorld()
    const { payer: _, ...body } = sessionInput(world)
    const refused = await world.call('manager', 'POST', '/v1/sessions', { body })
    expect(refused.status).toBe(400)
    expect(refused.body.detail).toMatch('createSession: payer')
  })
})

describe('an end user', () => {
  test('gets the same answer for objects of another end user as for unknown ones', async () => {
    const world = await serviceWorld()
    const { administration } = world.bursar
    const bob = await administration.issueKey({
      roles: ['end_user'],
      endUser: 'bob',
      expiresIn: '1d',
    })
    const asBob = (method: string, path: string, body?: unknown) =>
      world.call(bob.key, method, path, { body })
    const detail = (id: string) => `There is no delegation called ${id}.`
    for (const id of [world.delegation, 'del_none']) {
      const answer = await asBob('POST', `/v1/me/delegations/${id}/revoke`)
      expect(answer).toMatchObject({
        status: 404,
        body: { code: 'delegation_unknown', detail: detail(id) },
      })
    }
    for (const list of ['delegations', 'sessions', 'payments', 'approvals']) {
      expect((await asBob('GET', `/v1/me/${list}`)).body).toEqual({ rows: [] })
    }
    const grant = await asBob('POST', '/v1/me/delegations', {
      agent: 'a',
      instrument: 'alice-wallet',
      expiresIn: '1d',
      limits,
      consent: { how: 'a form' },
    })
    expect(grant.body.code).toBe('instrument_unknown')
    expect((await world.call('end_user', 'GET', '/v1/me/delegations')).body.rows).toHaveLength(1)
    expect((await asBob('GET', '/v1/me/delegations?endUser=alice')).status).toBe(400)
  })

  test('grants, lists, approves and revokes', async () => {
    const world = await serviceWorld()
    const granted = await world.call('end_user', 'POST', '/v1/me/delegations', {
      body: {
        agent: 'researcher',
        instrument: 'alice-wallet',
        expiresIn: '1d',
        limits: { currency: 'USD', total: '5.00' },
        merchants: [{ host: HOST }],
        ask: { always: true },
        consent: { how: 'a form', reference: '7' },
      },
      headers: once,
    })
    expect(granted.status).toBe(201)
    const input = { ...sessionInput(world), delegation: granted.body.id }
    const { body: created } = await world.call('manager', 'POST', '/v1/sessions', { body: input })
    const pay = () =>
      world.call('payer', 'POST', '/v1/session/pay', {
        token: created.token,
        body: payBody('quote', 'call-1'),
      })
    const answer = await pay()
    expect(answer.body).toMatchObject({ status: 'approval_required' })
    const query = `session=${created.id}&conversation=thread&id=call-1`
    const found = await world.call('end_user', 'GET', `/v1/me/approval?${query}`)
    expect(found.body.approval.id).toBe(answer.body.approval.id)
    const waiting = await world.call('end_user', 'GET', '/v1/me/approvals?waiting=true')
    expect(waiting.body.rows).toHaveLength(1)
    const path = `/v1/me/approvals/${answer.body.approval.id}/approve`
    expect((await world.call('end_user', 'POST', path)).body.state).toBe('approved')
    expect((await pay()).body.status).toBe('paid')
    const revoke = `/v1/me/delegations/${granted.body.id}/revoke`
    await world.call('end_user', 'POST', revoke, { body: { reason: 'enough' } })
    const after = await world.call('payer', 'POST', '/v1/session/pay', {
      token: created.token,
      body: payBody('another'),
    })
    expect(after.body.code).toBe('delegation_revoked')
  })
})

describe('an auditor', () => {
  test('reads, verifies and exports', async () => {
    const { call, session } = await serviceWorld()
    await call('payer', 'POST', '/v1/session/pay', { token: session.token, body: payBody('a') })
    const verified = await call('auditor', 'POST', '/v1/audit/verify', { body: {} })
    expect(verified.body).toMatchObject({ ok: true, records: expect.any(Number) })
    const { headers, body } = await call('auditor', 'GET', '/v1/audit/export')
    expect(headers.get('content-type')).toBe('application/jsonl')
    const lines = String(body).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual(lines.map((_, index) => index + 1))
    const page = await call('auditor', 'GET', '/v1/audit?limit=2')
    expect(page.body.rows).toHaveLength(2)
    const next = await call('auditor', 'GET', `/v1/audit?limit=2&after=${page.body.cursor}`)
    expect(next.body.rows[0].seq).toBe(3)
    expect((await call('auditor', 'GET', '/v1/payments')).body.rows).toHaveLength(1)
  })
})

describe('a response', () => {
  test('has the request’s id, or a new one, and is logged with it', async () => {
    const { call, log } = await serviceWorld()
    const own = await call('payer', 'GET', '/v1/caller', { headers: { 'x-request-id': 'r-1' } })
    expect(own.headers.get('x-request-id')).toBe('r-1')
    const wrong = { 'x-request-id': 'a b' }
    const other = await call(undefined, 'GET', '/v1/caller', { headers: wrong })
    expect(other.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(log.map(({ requestId, status, code }) => [requestId, status, code])).toEqual([
      ['r-1', 200, undefined],
      [other.headers.get('x-request-id'), 401, 'unauthenticated'],
    ])
    expect(other.headers.get('www-authenticate')).toBe('Bearer')
  })

  test('is a problem of RFC 9457 with a code if the request is refused', async () => {
    const { call } = await serviceWorld()
    const { headers, body } = await call('manager', 'GET', '/v1/sessions/ses_none')
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body).toEqual({
      type: 'urn:bursar:problem:session_unknown',
      title: 'There is no such resource',
      status: 404,
      detail: 'There is no session called ses_none.',
      code: 'session_unknown',
      requestId: headers.get('x-request-id'),
    })
    const nowhere = await call('manager', 'GET', '/v1/nowhere')
    expect(nowhere).toMatchObject({ status: 404, body: { code: 'not_found' } })
    const method = await call('manager', 'DELETE', '/v1/sessions')
    expect(method).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } })
    expect(method.headers.get('allow')).toBe('POST, GET')
  })

  test('has the code of a denial if the guard refuses a manager’s request', async () => {
    const world = await serviceWorld()
    await world.bursar.endUser('alice').revokeDelegation(world.delegation)
    const refused = await world.call('manager', 'POST', '/v1/sessions', {
      body: sessionInput(world),
    })
    expect(refused).toMatchObject({ status: 409, body: { code: 'delegation_revoked' } })
  })

  test('reveals nothing of an internal failure', async () => {
    const world = await serviceWorld()
    const secret = 'postgres://user:secret@db'
    const sessions = () => Promise.reject(new Error(secret, { cause: new Error('deep') }))
    const management = { ...world.bursar.management, sessions }
    const failing = { ...world.bursar, as: () => ({ ...world.bursar, management }) }
    const log: unknown[] = []
    const { app } = world.another({ bursar: failing, log: (entry) => void log.push(entry) })
    const request = new Request('http://bursar.test/v1/sessions', {
      headers: { authorization: `Bearer ${world.keys.manager.key}` },
    })
    const response = await app.fetch(request)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
    expect(inspect(log)).toContain(secret)
    expect(inspect(log, { depth: 9 })).toContain('Error: deep')
  })
})

describe('the description', () => {
  test('is OpenAPI 3.1 with every operation', async () => {
    const { call } = await serviceWorld()
    const { body } = await call(undefined, 'GET', '/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    expect(JSON.stringify(body)).not.toContain('#/$defs/')
    const named = Object.values(
      body.paths as Record<string, Record<string, { operationId: string }>>,
    )
      .flatMap((path) => Object.values(path))
      .map(({ operationId }) => operationId)
    expect(named).toHaveLength(44)
    expect(body.paths['/v1/session/pay'].post.security).toEqual([{ key: [], session: [] }])
  })

  test('the health checks need no key', async () => {
    const { app, call } = await serviceWorld()
    expect((await call(undefined, 'GET', '/healthz')).body).toEqual({ status: 'ok' })
    expect((await call(undefined, 'GET', '/readyz')).status).toBe(200)
    app.drain()
    expect((await call(undefined, 'GET', '/healthz')).status).toBe(200)
    expect(await call(undefined, 'GET', '/readyz')).toMatchObject({ status: 503 })
    expect(await call('payer', 'GET', '/v1/caller')).toMatchObject({
      status: 503,
      body: { code: 'shutting_down' },
    })
  })
})
