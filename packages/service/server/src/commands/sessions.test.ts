import { expect, test } from 'vitest'
import { preparedWorld } from '../../test/command-world.ts'

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
