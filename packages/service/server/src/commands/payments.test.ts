import { expect, test } from 'vitest'
import { preparedWorld } from '../../test/command-world.ts'

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
  expect((await world.run('exposure')).out).toBe('Nothing can move any more.\n')
  const { pay, id } = await world.openSession()
  expect(await pay('b')).toBe('paid')
  const { code, out } = await world.run('exposure', '--session', id)
  expect(code).toBe(0)
  expect(out).toMatch(/claimed +0\.01 USD +shop\.example/)
  expect(out).toMatch(/At most 0\.01 USD can still move, until 20\d\d-/)
})
