import { BursarError } from '@bursar/core'
import { expect, test } from 'vitest'
import { guardWorld, shop } from './guard-world.ts'

test('a guard whose store fails while it opens works as soon as the store does', async () => {
  let isFailing = false
  const world = await guardWorld({
    store: (store) => ({
      ...store,
      commit: (scope, change, when) =>
        isFailing
          ? Promise.reject(new BursarError('store_failed', 'The database is not there yet.'))
          : store.commit(scope, change, when),
    }),
  })
  isFailing = true
  const session = world.reopen().openSession(world.token)
  const request = { url: shop('a'), purpose: 'read it' }
  await expect(session.pay(request)).rejects.toMatchObject({ code: 'store_failed' })
  isFailing = false
  expect(await session.pay(request)).toMatchObject({ status: 'paid' })
})

test('a guard that closes waits for no rail, and asks none any more', async () => {
  const asked: string[] = []
  let heard = (): void => {}
  const reached = new Promise<void>((resolve) => {
    heard = resolve
  })
  const world = await guardWorld({
    resource: () => ({ conduct: 'forges_claim' }),
    rail: (rail) => ({
      ...rail,
      reconcile: ({ paymentId }) => {
        asked.push(paymentId)
        heard()
        return new Promise(() => {})
      },
    }),
  })
  const paths = Array.from({ length: 20 }, (_, index) => `${index}`)
  for (const path of paths) {
    const result = await world.session.pay({ url: shop(path), purpose: 'read it' })
    expect(result.status).toBe('paid')
  }
  const another = world.reopen()
  await reached
  // A rail's time limit for so many payments would exceed the test's own.
  await another.close()
  const { length } = asked
  expect(length).toBeLessThan(paths.length)
  await new Promise(setImmediate)
  expect(asked).toHaveLength(length)
})
