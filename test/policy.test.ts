import { type AuditEvent, allowUpTo, askFirst, type Policy, shadow } from '@bursar/core'
import { expect, test } from 'vitest'
import { guardWorld, shop } from './guard-world.ts'

test('a watched policy refuses nothing, and what it would have said is recorded with the payment', async () => {
  const tooSmall = shadow(allowUpTo({ currency: 'USD', amount: '0.001' }))
  const world = await guardWorld({ policies: [tooSmall] })
  const quote = await world.session.quote({ url: shop('a'), purpose: 'x' })
  expect(quote.status).toBe('payable')
  expect((await observations(world)).length).toBe(0)

  const result = await world.session.pay({ url: shop('a'), purpose: 'x' })
  expect(result.status).toBe('paid')
  expect(await observations(world)).toMatchObject([
    {
      policy: 'allow-up-to',
      effect: 'deny',
      reason: 'policy allow-up-to: above 0.001 USD',
      host: 'shop.example',
    },
  ])
  expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
  await world.bursar.close()
})

test('it is recorded beside a refusal and a question of others, too', async () => {
  const watched = shadow(askFirst())
  const world = await guardWorld({ policies: [watched, askFirst()] })
  const asked = await world.session.pay({ url: shop('a'), purpose: 'x' })
  expect(asked.status).toBe('approval_required')
  const cheap = { url: shop('a'), purpose: 'x', maxAmount: '0.000001' }
  expect(await world.session.pay(cheap)).toMatchObject({ code: 'payment_limit_exceeded' })
  expect((await observations(world)).map(({ effect }) => effect)).toEqual(['ask', 'ask'])
  await world.bursar.close()
})

test('a reservation records the names that the policies had when it was judged', async () => {
  let version = 1
  const versioned: Policy = {
    get name() {
      return `rules@${version}`
    },
    evaluate: () => ({ effect: 'allow' }),
  }
  const world = await guardWorld({ policies: [versioned] })
  await world.session.pay({ url: shop('a'), purpose: 'x' })
  version = 2
  await world.session.pay({ url: shop('b'), purpose: 'x' })
  const reserved = (await events(world)).filter(({ type }) => type === 'payment-reserved')
  expect(reserved.map((event) => 'policies' in event && event.policies)).toEqual([
    ['rules@1'],
    ['rules@2'],
  ])
  await world.bursar.close()
})

type World = Awaited<ReturnType<typeof guardWorld>>

async function events({ store }: World): Promise<AuditEvent[]> {
  const { rows } = await store.audit({})
  return rows.map(({ body }) => JSON.parse(body) as AuditEvent)
}

async function observations(world: World) {
  return (await events(world)).filter((event) => event.type === 'policy-observed')
}
