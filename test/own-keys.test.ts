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

async function query(url: string, text: string): Promise<readonly Record<string, number>[]> {
  const client = new Client(url)
  await client.connect()
  const { rows } = await client.query(text)
  await client.end()
  return rows
}

/**
 * Returns the keys that have a row of their own, and the payments that hold their key themselves.
 */
async function rows(url: string): Promise<readonly number[]> {
  const [found] = await query(
    url,
    `SELECT (SELECT count(*)::integer FROM bursar.keys) AS keys,
      (SELECT count(key)::integer FROM bursar.payments) AS own`,
  )
  return [found?.keys ?? -1, found?.own ?? -1]
}

test('on PostgreSQL a key that is pinned to its own payment needs no row, and answers with it', async () => {
  const place = await server.newDatabase()
  let price = 2_000_000n
  const world = await guardWorld({ place, resource: () => ({ offers: [{ atomic: price }] }) })
  const pay = (id: string, session = world.session) =>
    session.pay({ url: shop(id), purpose: 'x' }, { conversation: 'thread', id })
  expect(await pay('a')).toMatchObject({ code: 'session_limit_exceeded' })
  await world.store.audit({})
  // The refusal is counted on the key, and the payment then resets that count.
  expect(await rows(place)).toEqual([1, 0])
  price = 10_000n
  expect(await pay('a')).toMatchObject({ status: 'paid' })
  expect(await pay('b')).toMatchObject({ status: 'paid' })
  await world.store.audit({})
  expect(await rows(place)).toEqual([1, 2])
  // At this time an identical request without a key would be paid again.
  world.clock.advance(600_000)
  const again = world.reopen().openSession(world.token)
  for (const id of ['a', 'b']) expect(await pay(id, again)).toMatchObject({ status: 'paid' })
  expect(world.chain.transfers()).toHaveLength(2)
  await world.bursar.close()
})

test('a key of before, which has a row, answers as before once the schema is brought up to date', async () => {
  const place = await server.newDatabase()
  const world = await guardWorld({ place })
  const pay = (session = world.session) =>
    session.pay({ url: shop('a'), purpose: 'x' }, { conversation: 'thread', id: 'a' })
  expect(await pay()).toMatchObject({ status: 'paid' })
  await world.bursar.close()
  await query(
    place,
    `SET search_path TO bursar;
    INSERT INTO keys SELECT session, key, request_hash, pk, 0, NULL FROM payments;
    ALTER TABLE payments DROP COLUMN key; UPDATE installation SET version = 3`,
  )
  const { clock, chain } = world
  const again = await guardWorld({ place, clock, chain })
  expect(await rows(place)).toEqual([1, 0])
  clock.advance(600_000)
  expect(await pay(again.bursar.openSession(world.token))).toMatchObject({ status: 'paid' })
  expect(chain.transfers()).toHaveLength(1)
  expect(await again.bursar.auditing.verify()).toMatchObject({ ok: true })
  await again.bursar.close()
})
