import { expect, test } from 'vitest'
import { preparedWorld } from '../../../test/command-world.ts'

test('payments are listed and shown', async () => {
  const world = await preparedWorld()
  const { run, json } = world
  const { pay, id } = await world.openSession()
  expect(await pay('a')).toBe('paid')
  const [payment] = (await json('payments', 'list', '--session', id)).json.rows
  expect(payment).toMatchObject({ amount: '0.01', merchant: 'shop.example' })
  expect((await run('payments', 'list', '--end-user', 'alice')).out).toContain(payment.id)
  expect((await json('payments', 'list', '--end-user', 'bob')).json.rows).toEqual([])
  expect((await json('payments', 'show', payment.id)).json).toMatchObject({ id: payment.id })
  const none = await run('payments', 'show', 'pay_none')
  expect([none.code, none.error]).toEqual([3, 'bursar: There is no payment called pay_none.\n'])
})

test('what is listed can move, at most so much, and until when', async () => {
  const world = await preparedWorld()
  expect((await world.run('exposure')).out).toBe('No open payment can move money.\n')
  const { pay, id } = await world.openSession()
  expect(await pay('b')).toBe('paid')
  const { code, out } = await world.run('exposure', '--session', id)
  expect(code).toBe(0)
  expect(out).toMatch(/claimed +0\.01 USD +shop\.example/)
  expect(out).toMatch(/At most 0\.01 USD can still move, until 20\d\d-/)
})

test('what is open is cancelled: by its end user, or once its session has ended', async () => {
  const world = await preparedWorld()
  const { run, json } = world
  const { pay, id } = await world.openSession()
  expect([await pay('drops/a'), await pay('drops/b')]).toEqual(['in_doubt', 'in_doubt'])
  const [first, second] = (await json('payments', 'list', '--session', id)).json.rows
  const early = await run('payments', 'cancel', first.id)
  expect([early.code, early.out]).toEqual([3, expect.stringContaining('Revoke it first.')])
  const mine = ['--end-user', 'alice', '--reason', 'enough']
  const cancelled = await run('payments', 'cancel', first.id, ...mine)
  expect([cancelled.code, cancelled.out]).toEqual([
    0,
    expect.stringContaining(`${first.id}  asked`),
  ])
  await run('sessions', 'revoke', id)
  const rest = await json('payments', 'cancel', '--session', id)
  expect(rest.json).toMatchObject({ asked: 1, refused: 1, unavailable: 0, unknown: 0 })
  expect(rest.json.payments).toContainEqual({ id: second.id, outcome: 'asked' })
  expect(rest.code).toBe(3)
})

test('what was settled first is refused, and what is open nowhere is nothing', async () => {
  const world = await preparedWorld()
  const { pay, id } = await world.openSession()
  const empty = await world.run('payments', 'cancel', '--delegation', world.delegation)
  expect([empty.code, empty.out]).toEqual([0, 'No payment is open.\n'])
  expect(await pay('a')).toBe('paid')
  await world.run('sessions', 'revoke', id)
  const { code, out } = await world.run('payments', 'cancel', '--session', id)
  expect([code, out]).toEqual([3, expect.stringMatching(/pay_\w+ {2}refused {2}The nonce is used/)])
})

test.each([
  [[], 2, 'must name one payment, one session or one delegation'],
  [['pay_a', '--session', 'ses_a'], 2, 'must name one payment, one session or one delegation'],
  [['pay_none'], 3, 'there is no payment called pay_none'],
  [['--delegation', 'del_none', '--end-user', 'bob'], 3, 'there is no delegation called del_none'],
])('%j is refused', async (args, code, message) => {
  const { run } = await preparedWorld()
  const refused = await run('payments', 'cancel', ...args)
  expect([refused.code, refused.out]).toEqual([code, ''])
  expect(refused.error).toContain(message)
})
