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
