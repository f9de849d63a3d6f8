import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type TestPostgres,
  testPostgres,
} from '../packages/stores/postgres/src/test-process/postgres-server.ts'
import { guardWorld, shop } from './guard-world.ts'

let server: TestPostgres

beforeAll(async () => {
  server = await testPostgres()
})

afterAll(() => server.stop())

/** The keys that have a row of their own, and the payments that have their key themselves. */
async function rows(url: string): Promise<readonly number[]> {
  const client = new Client(url)
  await client.connect()
  const { rows: found } =
    await client.query(`SELECT (SELECT count(*)::integer FROM bursar.keys) AS keys,
    (SELECT count(key)::integer FROM bursar.payments) AS own`)
  await client.end()
  return [found[0].keys, found[0].own]
}

test('on PostgreSQL a key that is pinned to its own payment needs no row, and answers with it', async () => {
  const place = await server.newDatabase()
  let price = 2_000_000n
  const world = await guardWorld({ place, resource: () => ({ offers: [{ atomic: price }] }) })
  const pay = (id: string, session = world.session) =>
    session.pay({ url: shop(id), purpose: 'x' }, { conversation: 'thread', id })
  expect(await pay('a')).toMatchObject({ code: 'session_limit_exceeded' })
  await world.store.audit({})
  // A refusal is counted, and what was refused before the payment is past then.
  expect(await rows(place)).toEqual([1, 0])
  price = 10_000n
  expect(await pay('a')).toMatchObject({ status: 'paid' })
  expect(await pay('b')).toMatchObject({ status: 'paid' })
  await world.store.audit({})
  expect(await rows(place)).toEqual([1, 2])
  const again = world.reopen().openSession(world.token)
  for (const id of ['a', 'b']) expect(await pay(id, again)).toMatchObject({ status: 'paid' })
  expect(world.chain.transfers()).toHaveLength(2)
  await world.bursar.close()
})
