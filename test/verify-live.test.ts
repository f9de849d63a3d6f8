import { expect, test } from 'vitest'
import { boundStore } from '../packages/core/src/ports/bound-store.ts'
import { guardWorld, shop } from './guard-world.ts'

test('verification raises no false alarm over payments that come in between its reads', async () => {
  let between = 0
  let pay = async (): Promise<void> => undefined
  const world = await guardWorld({
    limits: { currency: 'USD', total: '50.00' },
    store: (store) => ({
      ...boundStore(store),
      sessions: async (filter, page) => {
        await pay()
        return store.sessions(filter, page)
      },
      delegations: async (filter, page) => {
        await pay()
        return store.delegations(filter, page)
      },
      payments: async (filter, page) => {
        await pay()
        return store.payments(filter, page)
      },
    }),
  })
  pay = async () => {
    if (between === 6) return
    between += 1
    await world.session.pay({ url: shop(`${between}`), purpose: '' })
  }
  expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
  expect(between).toBe(6)
})

test('balances that the records do not bear out are found', async () => {
  const world = await guardWorld()
  await world.session.pay({ url: shop('a'), purpose: '' })
  await world.store.commit(
    { session: world.session.id },
    ({ session }) => ({
      result: undefined,
      sessions: session ? [{ ...session, usage: { ...session.usage, heldMicro: 0n } }] : [],
      events: [
        { type: 'session-unlocked', session: world.session.id, delegation: world.delegation },
      ],
    }),
    'now',
  )
  expect(await world.bursar.auditing.verify()).toEqual({
    ok: false,
    reason: `${world.session.id} says settled 0.00, held 0.00, payments 1, its records say settled 0.00, held 0.01, payments 1`,
  })
})
