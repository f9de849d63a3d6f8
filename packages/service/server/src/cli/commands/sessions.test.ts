import { expect, test } from 'vitest'
import { preparedWorld } from '../../../test/command-world.ts'

const limits = ['--expires-in', '1h', '--total', '1.00', '--per-payment', '0.10']

test('sessions are created for a payer, listed, shown and ended', async () => {
  const { run, json, delegation, payer } = await preparedWorld()
  const create = ['sessions', 'create', '--delegation', delegation, '--payer', payer, ...limits]
  const made = await run(...create)
  expect(made.out).toMatch(/^bursar_ses_[0-9a-f]{32}_\S{43}\n$/)
  const [, id = ''] = /^bursar_(ses_[0-9a-f]{32})_/.exec(made.out) ?? []
  expect((await json('sessions', 'show', id)).json).toMatchObject({
    id,
    payer,
    state: 'open',
    limits: { currency: 'USD', total: '1.00', perPayment: '0.10' },
  })
  const listed = await run('sessions', 'list', '--delegation', delegation)
  expect(listed.out).toContain(`${id}  open   1.00  1.00 USD`)
  expect((await json('sessions', 'list', '--end-user', 'bob')).json.rows).toEqual([])
  expect((await run('sessions', 'revoke', id, '--reason', 'enough')).out).toBe(
    `${id} is revoked.\n`,
  )
  expect((await run('sessions', 'unlock', id)).out).toBe(`${id} is revoked.\n`)
})

test('a name finds its session again, until it is taken for another input', async () => {
  const { run, json, delegation, payer } = await preparedWorld()
  const named = ['--delegation', delegation, '--payer', payer, '--name', 'nightly']
  const first = (await json('sessions', 'create', ...named, ...limits)).json
  const second = (await json('sessions', 'create', ...named, ...limits)).json
  expect(second).toMatchObject({ id: first.id, expiresAt: first.expiresAt })
  expect((await json('sessions', 'show', first.id)).json).toMatchObject({ name: 'nightly' })
  const other = await run('sessions', 'create', ...named, '--total', '0.50')
  expect(other.code).toBe(3)
  expect(other.error).toContain(`--name: nightly is taken by ${first.id}`)
  const unbounded = (await json('sessions', 'create', ...named.slice(0, 4), '--total', '0.50')).json
  const [{ expiresAt }] = (await json('delegations', 'list', '--end-user', 'alice')).json.rows
  expect(unbounded.expiresAt).toBe(expiresAt)
})

test('the token of a session pays nothing without its payer', async () => {
  const { json, withGuard, delegation, payer } = await preparedWorld()
  const create = ['sessions', 'create', '--delegation', delegation, '--payer', payer, ...limits]
  const { token } = (await json(...create)).json
  const request = { url: 'https://shop.example/a', purpose: 'a test' }
  const states = await withGuard(async (bursar) => [
    (await bursar.openSession(token).pay(request)).status,
    (await bursar.openSession(token, { payer }).pay(request)).status,
  ])
  expect(states).toEqual(['denied', 'paid'])
})

test('a session is narrowed, raised and extended, and what is not named stays', async () => {
  const { run, json, delegation, payer } = await preparedWorld()
  const create = ['sessions', 'create', '--delegation', delegation, '--payer', payer, ...limits]
  const { id, expiresAt } = (await json(...create)).json
  const raised = await run('sessions', 'change', id, '--total', '2.00', '--reason', 'more')
  expect([raised.code, raised.out]).toEqual([
    0,
    `${id} has 2.00 of 2.00 USD left, until ${expiresAt}.\n`,
  ])
  const change = ['--expires-in', '2h', '--merchant', 'shop.example', '--payments', '3']
  const changed = (await json('sessions', 'change', id, ...change)).json
  const kept = { currency: 'USD', total: '2.00', perPayment: '0.10' }
  expect(changed.limits).toEqual({ ...kept, payments: 3 })
  expect(changed.merchants).toEqual([{ host: 'shop.example' }])
  expect(changed.expiresAt > expiresAt).toBe(true)
  const narrowed = (await json('sessions', 'change', id, '--total', '0.50')).json
  expect([narrowed.remaining, narrowed.expiresAt]).toEqual(['0.50', changed.expiresAt])
  await run('sessions', 'revoke', id)
  const late = await run('sessions', 'change', id, '--total', '2.00')
  expect([late.code, late.error]).toEqual([3, expect.stringContaining('changeSession: ')])
})

test.each([
  [['--total', '21.00'], 2, '--total: must be at most 20.00'],
  [['--total', '0'], 2, '--total: '],
  [['--expires-in', '90d'], 2, '--expires-in: ends after'],
  [['--reason', 'nothing'], 2, 'has to change limits, expiresIn or merchants'],
])('a change by %j is refused, and named', async (options, code, message) => {
  const world = await preparedWorld()
  const { id } = await world.openSession()
  const refused = await world.run('sessions', 'change', id, ...options)
  expect([refused.code, refused.out]).toEqual([code, ''])
  expect(refused.error).toContain(message)
})

test.each([
  [['--total', '21.00'], '--total: '],
  [['--per-payment', 'a'], '--per-payment: '],
  [['--expires-in', '90d'], '--expires-in: '],
  [['--window', 'hour'], '--window'],
  [['--window', 'week=1.00'], '--window: '],
  [['--merchant', 'no host'], '--merchant'],
  [['--payments', '0'], '--payments'],
  [['--ask-above', '-1'], '--ask-above'],
])('%j is refused, and named', async (options, named) => {
  const { run, delegation, payer } = await preparedWorld()
  const create = ['sessions', 'create', '--delegation', delegation, '--payer', payer, ...limits]
  const { code, error } = await run(...create, ...options)
  expect(error).toContain(named)
  expect(code).toBe(2)
})
