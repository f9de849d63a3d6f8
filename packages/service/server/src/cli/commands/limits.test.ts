import { expect, test } from 'vitest'
import { preparedWorld } from '../../../test/command-world.ts'

const alice = ['--end-user', 'alice']

test('limits of an end user are set, shown, and hold over every agent', async () => {
  const world = await preparedWorld()
  const { run, json } = world
  expect((await run('limits', 'show', ...alice)).out).toBe('alice has set no limits.\n')
  expect((await json('limits', 'show', ...alice)).json).toEqual({ limits: null })
  const set = await run('limits', 'set', ...alice, '--total', '0.01', '--reason', 'enough')
  expect([set.code, set.out]).toEqual([0, 'alice has 0.01 of 0.01 USD left.\n'])
  const { pay } = await world.openSession()
  expect([await pay('a'), await pay('b')]).toEqual(['paid', 'denied'])
  expect((await json('limits', 'show', ...alice)).json.limits).toMatchObject({
    endUser: 'alice',
    remaining: '0.00',
    payments: 1,
  })
})

test('what is not named stays', async () => {
  const { run, json } = await preparedWorld()
  const first = ['--total', '5.00', '--per-payment', '0.50', '--window', 'hour=1.00']
  await run('limits', 'set', ...alice, ...first)
  const { limits } = (await json('limits', 'set', ...alice, '--total', '9.00')).json
  const windows = [{ per: 'hour', amount: '1.00' }]
  expect(limits).toEqual({ currency: 'USD', total: '9.00', perPayment: '0.50', windows })
  const other = await run('limits', 'set', ...alice, '--currency', 'EUR')
  expect([other.code, other.error]).toEqual([2, expect.stringContaining('must stay USD')])
})

test.each([
  [[], 2, 'No limit is given. Add an option such as --total 20.00.'],
  [['--per-payment', '1.00'], 2, '--total: '],
  [['--total', 'much'], 2, '--total: '],
])('%j is refused, and named', async (options, code, message) => {
  const { run } = await preparedWorld()
  const refused = await run('limits', 'set', ...alice, ...options)
  expect([refused.code, refused.out]).toEqual([code, ''])
  expect(refused.error).toContain(message)
})
