import { afterAll, beforeAll, expect, test } from 'vitest'
import { outcome, type SandboxWorld, sandboxWorld } from './sandbox-world.ts'

let world: SandboxWorld

beforeAll(async () => {
  world = await sandboxWorld()
})

afterAll(() => world.stop())

test('100 parallel calls for 100 resources on a budget for 10 pay exactly 10, on the chain', async () => {
  const { honest } = world.sandbox.merchants
  const session = await world.openSession({ currency: 'USD', total: '0.10' })
  const results = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      session.pay({ url: `${honest.url}/item/${index}`, purpose: `item ${index}` }),
    ),
  )
  const outcomes = Object.groupBy(results.map(outcome), (one) => one)
  expect(Object.keys(outcomes).sort()).toEqual(['paid', 'session_limit_exceeded'])
  expect(outcomes.paid).toHaveLength(10)
  const transfers = await world.sandbox.transfers()
  const ours = transfers.filter(({ from }) => from.toLowerCase() === world.payer.toLowerCase())
  expect(ours).toHaveLength(10)
  expect(await world.spent()).toBe(100_000n)
  await world.sandbox.mine(4)
  expect(await world.bursar.reconcile()).toMatchObject({ settled: 10, open: 0 })
  expect(await session.status()).toMatchObject({
    settled: '0.10',
    held: '0.00',
    remaining: '0.00',
    payments: 10,
  })
  expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
})

test('the same request from 50 calls at once is paid once', async () => {
  const { honest } = world.sandbox.merchants
  const session = await world.openSession({ currency: 'USD', total: '1.00' })
  const before = await world.spent()
  const results = await Promise.all(
    Array.from({ length: 50 }, () =>
      session.pay({ url: `${honest.url}/quote`, purpose: 'the same' }),
    ),
  )
  // A call that comes after the payment returns that payment.
  const receipts = results.flatMap((one) => (one.status === 'paid' ? [one.receipt.paymentId] : []))
  expect(new Set(receipts).size).toBe(1)
  expect(await world.spent()).toBe(before + 10_000n)
})
