import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BursarError, type PayResult } from '@bursar/core'
import { manualClock } from '@bursar/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectionWaits } from '../packages/stores/postgres/src/database/connections.ts'
import { storeOn as postgresOn } from '../packages/stores/postgres/src/postgres-store.ts'
import {
  type CuttingProxy,
  cuttingProxy,
} from '../packages/stores/postgres/src/test-process/cutting-proxy.ts'
import {
  type TestPostgres,
  testPostgres,
} from '../packages/stores/postgres/src/test-process/postgres-server.ts'
import { openDatabase } from '../packages/stores/sqlite/src/database/open-database.ts'
import { storeOn as sqliteOn } from '../packages/stores/sqlite/src/sqlite-store.ts'
import { type GuardWorld, type GuardWorldOptions, guardWorld, shop } from './guard-world.ts'

/** The time limit of a test, which makes a database and a guard for each cut. */
const BUDGET_MS = 120_000

/** The most durable writes of a payment. */
const MAX_WRITES = 40

/** The most payments that fit into a store that is nearly full. */
const MOST = 200

/** The size of a page of a PostgreSQL table. */
const PAGE_BYTES = 8_192

const key = { conversation: 'thread', id: 'call' }

/** Creates resources whose content cannot be compressed. */
const bulky = (bytes: number): GuardWorldOptions => ({
  limits: { currency: 'USD', total: '50.00' },
  resource: () => ({ content: { body: randomBytes(bytes) } }),
})

function payFor(world: Pick<GuardWorld, 'session'>, path: string): Promise<PayResult> {
  return world.session.pay({ url: shop(path), purpose: 'faults' })
}

/** Checks that transfers and settled payments match, and that the records agree. */
async function settlesTo(world: GuardWorld, bursar = world.bursar): Promise<void> {
  await bursar.reconcile()
  world.clock.advance(120_000)
  await bursar.reconcile()
  const transfers = world.chain.transfers()
  expect(new Set(transfers.map(({ nonce }) => nonce)).size).toBe(transfers.length)
  const settled = (transfers.length / 100).toFixed(2)
  const status = await bursar.openSession(world.token).status()
  expect(status).toMatchObject({ settled, held: '0.00', payments: transfers.length })
  expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
}

/** Pays until the store has no room. Returns the number of payments before that. */
async function payUntilFull(world: GuardWorld, most: number): Promise<number> {
  for (let paid = 0; paid < most; paid += 1) {
    try {
      expect((await payFor(world, `full/${paid}`)).status).toBe('paid')
      // Writes after the answer have to be durable before the next payment.
      await world.store.read({})
    } catch (error) {
      if (!BursarError.isInstance(error)) throw error
      expect(error.code).toBe('store_failed')
      return paid
    }
  }
  return most
}

describe('a guard over a PostgreSQL server', { timeout: BUDGET_MS }, () => {
  let server: TestPostgres

  beforeAll(async () => {
    server = await testPostgres({ own: true, smallFiles: true })
  })

  afterAll(() => server.stop())

  test('pays once, and answers, whichever durable write of it is cut off', async () => {
    let cuts = 0
    for (let cutAt = 1; cutAt <= MAX_WRITES && cuts === cutAt - 1; cutAt += 1) {
      let isPaying = false
      let writes = 0
      const proxy: CuttingProxy = await cuttingProxy(await server.newDatabase(), () => {
        writes += isPaying ? 1 : 0
        // The proxy sees a commit before the server has it, and again before its answer arrives.
        if (isPaying && writes === cutAt) proxy.cutAtCommit(writes % 2 === 1 ? 'before' : 'after')
      })
      const world = await guardWorld({ place: proxy.url })
      await world.bursar.reconcile()
      isPaying = true
      const paid = await world.session.pay({ url: shop('a'), purpose: 'faults' }, key)
      await world.store.read({})
      isPaying = false
      cuts += proxy.cuts()
      expect(paid.status).toBe('paid')
      expect(world.chain.transfers().length).toBe(1)
      await settlesTo(world)
      await world.bursar.close()
      await proxy.close()
    }
    expect(cuts).toBeGreaterThanOrEqual(2)
  })

  test('pays at most once where the server is gone for good, and the next guard knows', async () => {
    const ends: string[] = []
    for (let cutAt = 1; cutAt <= MAX_WRITES && ends.at(-1) !== 'not cut'; cutAt += 1) {
      const url = await server.newDatabase()
      let isPaying = false
      let writes = 0
      const proxy: CuttingProxy = await cuttingProxy(url, () => {
        writes += isPaying ? 1 : 0
        if (isPaying && writes === cutAt) proxy.cutAtCommit(writes % 2 === 1 ? 'before' : 'after')
      })
      const away = { url: proxy.url, schema: 'bursar', connections: 2 }
      const clock = manualClock()
      const world = await guardWorld({
        clock,
        store: (unused) => {
          void unused.close()
          return postgresOn(away, clock, { ...connectionWaits, reconnectTotalMs: 5 })
        },
      })
      await world.bursar.reconcile()
      proxy.refuse(true)
      isPaying = true
      const call = () => world.session.pay({ url: shop('a'), purpose: 'faults' }, key)
      const first = await call().catch((error: unknown) => {
        if (!BursarError.isInstance(error)) throw error
        return { status: error.code }
      })
      await world.bursar.close().catch(() => undefined)
      ends.push(proxy.cuts() === 0 ? 'not cut' : first.status)
      await proxy.close()
      const next = await guardWorld({ place: url, chain: world.chain, clock: world.clock })
      const again = await next.bursar
        .openSession(world.token)
        .pay({ url: shop('a'), purpose: 'faults' }, key)
      expect(['paid', 'undelivered', 'in_progress']).toContain(again.status)
      expect(world.chain.transfers().length).toBeLessThanOrEqual(1)
      await next.bursar.close()
    }
    expect(ends).toMatchInlineSnapshot(`
      [
        "store_unavailable",
        "store_failed",
        "store_failed",
        "paid",
        "paid",
        "not cut",
      ]
    `)
  })

  test('goes on when the server is restarted in the middle', async () => {
    const world = await guardWorld({ place: await server.newDatabase() })
    let answered = 0
    let restarting: Promise<void> | undefined
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, payer) => {
        const own: string[] = []
        for (let index = 0; index < 5; index += 1) {
          own.push((await payFor(world, `${payer}/${index}`)).status)
          answered += 1
          if (answered === 25) restarting = server.restart()
        }
        return own
      }),
    )
    await restarting
    expect(results.flat()).toEqual(Array.from({ length: 100 }, () => 'paid'))
    expect(world.chain.transfers().length).toBe(100)
    await settlesTo(world)
    await world.bursar.close()
  })

  // Only Linux can bound the files of a process that runs; a full disk needs a disk of its own.
  test.runIf(process.platform === 'linux')('pays nothing that it cannot record', async () => {
    const world = await guardWorld({ ...bulky(100), place: server.url })
    expect((await payFor(world, 'before')).status).toBe('paid')
    // The file of the payments has to be the largest, because the limit is for each file.
    await server.query(`ALTER TABLE bursar.payments SET (autovacuum_enabled = off);
      INSERT INTO bursar.payments (pk, id, session, delegation, amount, reserved_at, request_head,
        request_hash, body) SELECT -n, 'gone ' || n, 0, 0, 1, 0, '', '', repeat(md5(n::text), 30)
        FROM generate_series(1, 2500) AS n;
      DELETE FROM bursar.payments WHERE session = 0`)
    const [row] = await server.query(`SELECT pg_relation_size('bursar.payments')::integer AS bytes`)
    await server.limitFiles(Number(row?.bytes) + PAGE_BYTES)
    const paid = await payUntilFull(world, MOST)
    await server.limitFiles('unlimited')
    expect(paid).toBeGreaterThan(0)
    expect(paid).toBeLessThan(MOST)
    expect(world.chain.received.length).toBe(1 + paid)
    expect((await payFor(world, 'after')).status).toBe('paid')
    await settlesTo(world)
    await world.bursar.close()
  })
})

test('a guard over a full SQLite file pays nothing that it cannot record', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-full-'))
  const path = join(folder, 'full.db')
  const database = openDatabase(path)
  const clock = manualClock()
  const world = await guardWorld({
    ...bulky(8_000),
    clock,
    store: (unused) => {
      void unused.close()
      return sqliteOn(database, { path, clock })
    },
  })
  const pages = Number(database.statement('PRAGMA page_count').get()?.page_count)
  database.exec(`PRAGMA max_page_count = ${pages + 100}`)
  const paid = await payUntilFull(world, MOST)
  database.exec('PRAGMA max_page_count = 1000000')
  expect(paid).toBeGreaterThan(0)
  expect(paid).toBeLessThan(MOST)
  expect((await payFor(world, 'after')).status).toBe('paid')
  await settlesTo(world)
  await world.bursar.close()
  rmSync(folder, { recursive: true })
})
