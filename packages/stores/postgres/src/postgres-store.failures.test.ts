import { BursarError, type Store } from '@bursar/core'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectionWaits } from './database/connections.ts'
import { postgresStore, storeOn } from './postgres-store.ts'
import { type CuttingProxy, cuttingProxy } from './test-process/cutting-proxy.ts'
import {
  holdOneInLedger,
  isLedgerChained,
  ledgerReasonsOf,
  ledgerTrailOf,
  notedInLedger,
  plantLedger,
  sessionId,
  sharedDelegation,
  sharedLedgerSession,
} from './test-process/ledger.ts'
import { type TestPostgres, testPostgres } from './test-process/postgres-server.ts'

let server: TestPostgres
let schemas = 0

beforeAll(async () => {
  server = await testPostgres()
})

afterAll(() => server.stop())

function newSchema(): string {
  schemas += 1
  return `failures_${schemas}`
}

async function errorOf(promise: Promise<unknown>): Promise<BursarError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (BursarError.isInstance(error)) return error
  throw new Error(`Expected a BursarError, not ${String(error)}`)
}

function record(store: Store, reason: string): Promise<number> {
  return store.commit({}, () => ({ result: 0, events: [notedInLedger(reason)] }), 'now')
}

async function throughProxy(
  run: (proxy: CuttingProxy, store: Store, direct: Store) => Promise<void>,
  waits = connectionWaits,
): Promise<void> {
  const proxy = await cuttingProxy(server.url)
  const schema = newSchema()
  const store = storeOn({ url: proxy.url, schema, connections: 2 }, undefined, waits)
  const direct = postgresStore({ url: server.url, schema })
  try {
    await plantLedger(store, 100n)
    await run(proxy, store, direct)
  } finally {
    await store.close()
    await direct.close()
    await proxy.close()
  }
}

test.each(['before', 'after'] as const)(
  'a commit is written once and answered if its connection is cut %s the server commits',
  (when) =>
    throughProxy(async (proxy, store, direct) => {
      proxy.cutAtCommit(when)
      const held = Array.from({ length: 5 }, (_, index) =>
        store.commit({ session: sessionId }, holdOneInLedger(`${index}`), 'now'),
      )
      expect(await Promise.all(held)).toEqual(Array.from({ length: 5 }, () => 'held'))
      expect(proxy.cuts()).toBe(1)
      const trail = await ledgerTrailOf(direct)
      expect(ledgerReasonsOf(trail).toSorted()).toEqual([
        ...Array.from({ length: 5 }, (_, index) => `held ${index}`),
        'planted',
      ])
      expect(isLedgerChained(trail)).toBe(true)
      const { session } = await store.read({ session: sessionId })
      expect(session?.usage.heldMicro).toBe(5n)
    }),
)

test('a commit whose answer is lost for good is rejected as unknown, and does not run again', () =>
  throughProxy(
    async (proxy, store, direct) => {
      proxy.refuse(true)
      proxy.cutAtCommit('after')
      const error = await errorOf(record(store, 'once'))
      expect(error.code).toBe('store_failed')
      expect(error.message).toContain('it is not known whether the change was written')
      expect((await errorOf(record(store, 'unreachable'))).code).toBe('store_unavailable')
      proxy.refuse(false)
      await record(store, 'later')
      expect(ledgerReasonsOf(await ledgerTrailOf(direct))).toEqual(['planted', 'once', 'later'])
    },
    { ...connectionWaits, reconnectTotalMs: 5 },
  ))

test('every commit is written once while the server ends connections again and again', async () => {
  const schema = newSchema()
  const store = postgresStore({ url: server.url, schema, connections: 2 })
  await plantLedger(store, 1_000n)
  let settled = 0
  let ended = 0
  const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'bursar' AND datname = current_database()`
  const results = await Promise.all(
    Array.from({ length: 10 }, async (_, payer) => {
      const own: string[] = []
      for (let index = 0; index < 20; index += 1) {
        const name = `${payer}-${index}`
        own.push(await store.commit({ session: sessionId }, holdOneInLedger(name), 'now'))
        settled += 1
        if (settled % 25 !== 0) continue
        const connections = await server.query(terminate)
        ended += connections.length
      }
      return own
    }),
  )
  expect(ended).toBeGreaterThan(0)
  expect(results.flat().filter((result) => result === 'held').length).toBe(200)
  const trail = await ledgerTrailOf(store)
  expect(new Set(ledgerReasonsOf(trail)).size).toBe(201)
  expect(trail.length).toBe(201)
  expect(isLedgerChained(trail)).toBe(true)
  expect((await store.read({ session: sessionId })).session?.usage.heldMicro).toBe(200n)
  await store.close()
})

test('a lock that is held for too long rejects commits, and the store goes on', async () => {
  const schema = newSchema()
  const store = storeOn({ url: server.url, schema, connections: 2 }, undefined, {
    ...connectionWaits,
    lockMs: 50,
  })
  await plantLedger(store, 100n)
  const other = new Client({ connectionString: server.url })
  await other.connect()
  await other.query(`BEGIN; SELECT FROM ${schema}.installation FOR UPDATE`)
  const waiting = (['now', 'soon'] as const).map((when) =>
    errorOf(store.commit({ session: sessionId }, holdOneInLedger('x'), when)),
  )
  const codes = (await Promise.all(waiting)).map(({ code }) => code)
  expect(codes).toEqual(['store_locked', 'store_locked'])
  expect((await store.read({ session: sessionId })).session?.usage.heldMicro).toBe(0n)
  await other.end()
  expect(await store.commit({ session: sessionId }, holdOneInLedger('x'), 'now')).toBe('held')
  await store.close()
})

test('a store stops writing once a newer version has migrated the schema', async () => {
  const schema = newSchema()
  const store = postgresStore({ url: server.url, schema })
  await plantLedger(store, 100n)
  await server.query(`UPDATE ${schema}.installation SET version = version + 1`)
  expect((await errorOf(record(store, 'old'))).code).toBe('store_schema_newer')
  await server.query(`UPDATE ${schema}.installation SET version = version - 1`)
  await record(store, 'new')
  expect(ledgerReasonsOf(await ledgerTrailOf(store))).toEqual(['planted', 'new'])
  await store.close()
})

test('the tables refuse an account over its total', async () => {
  const store = postgresStore({ url: server.url, schema: newSchema() })
  await plantLedger(store, 1n)
  const over = store.commit(
    { session: sessionId },
    ({ session }) => {
      if (!session) throw new Error('The session is not there.')
      const usage = { ...session.usage, heldMicro: 2n }
      return { result: 0, sessions: [{ ...session, usage }], events: [notedInLedger('over')] }
    },
    'now',
  )
  expect((await errorOf(over)).code).toBe('invariant_broken')
  expect((await store.read({ session: sessionId })).session?.usage.heldMicro).toBe(0n)
  await store.close()
})

test('rows that no statement can be made of fail their own commit only', async () => {
  const schema = newSchema()
  const store = storeOn({ url: server.url, schema, connections: 1 }, undefined)
  await plantLedger(store, 100n)
  const delegation = { ...sharedDelegation, id: 'del_wrong' }
  // JSON has no bigint: the delegation has a statement, the session after it has none.
  const session = { ...sharedLedgerSession('ses_wrong', 1n), tokenHash: 1n as never }
  const rows = { delegations: [delegation], sessions: [{ ...session, delegation: delegation.id }] }
  const [before, wrong, after] = await Promise.allSettled([
    record(store, 'before'),
    store.commit({}, () => ({ result: 0, ...rows, events: [notedInLedger('wrong')] }), 'now'),
    record(store, 'after'),
  ])
  expect([before.status, after.status]).toEqual(['fulfilled', 'fulfilled'])
  expect(wrong).toMatchObject({ status: 'rejected', reason: { code: 'invariant_broken' } })
  expect((await store.read({ delegation: delegation.id })).delegation).toBeUndefined()
  await record(store, 'later')
  expect(ledgerReasonsOf(await ledgerTrailOf(store))).toEqual([
    'planted',
    'before',
    'after',
    'later',
  ])
  await store.close()
})

test('audit records can be neither changed nor removed by accident', async () => {
  const schema = newSchema()
  const store = postgresStore({ url: server.url, schema })
  await record(store, 'one')
  for (const text of [`UPDATE ${schema}.audit SET body = '{}'`, `DELETE FROM ${schema}.audit`]) {
    await expect(server.query(text)).rejects.toThrow('never changed or removed')
  }
  await expect(server.query(`TRUNCATE ${schema}.audit`)).rejects.toThrow('never changed or removed')
  await store.close()
})

test('a commit is rejected if the clock is broken', async () => {
  const store = postgresStore({ url: server.url, schema: newSchema(), clock: () => Number.NaN })
  let isAsked = false
  const change = (): { result: number; events: [] } => {
    isAsked = true
    return { result: 0, events: [] }
  }
  expect((await errorOf(store.commit({}, change, 'now'))).code).toBe('invalid_input')
  expect(isAsked).toBe(false)
  await store.close()
})

test('the default clock is the database’s, read behind the lock', async () => {
  const schema = newSchema()
  const store = postgresStore({ url: server.url, schema })
  await record(store, 'first')
  const other = new Client({ connectionString: server.url })
  await other.connect()
  await other.query(`BEGIN; SELECT FROM ${schema}.installation FOR UPDATE`)
  const waiting = store.commit(
    {},
    (_, now) => ({ result: now, events: [notedInLedger('x')] }),
    'now',
  )
  await untilBlocked()
  const { rows } = await other.query<{ now: string }>(
    'SELECT ceil(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now',
  )
  await other.query('COMMIT')
  await other.end()
  const now = await waiting
  expect(now).toBeGreaterThanOrEqual(Number(rows[0]?.now) - 1)
  expect(Math.abs(store.now() - now)).toBeLessThan(60_000)
  await store.close()
})

test('a commit that waited for another writer runs on the rows of that writer', async () => {
  const schema = newSchema()
  const store = postgresStore({ url: server.url, schema })
  await plantLedger(store, 1n)
  const other = new Client({ connectionString: server.url })
  await other.connect()
  // Writes as another process does: locks the head, writes rows, and moves the head.
  await other.query(`BEGIN; SET search_path TO ${schema};
    SELECT FROM installation FOR NO KEY UPDATE;
    UPDATE accounts SET held = 1 WHERE id = '${sessionId}';
    INSERT INTO audit SELECT seq + 1, at, '{}', 'hash' FROM installation;
    UPDATE installation SET seq = seq + 1, hash = 'hash'`)
  const waiting = store.commit({ session: sessionId }, holdOneInLedger('second'), 'now')
  await untilBlocked()
  await other.query('COMMIT')
  await other.end()
  expect(await waiting).toBe('over')
  await store.close()
})

test('cached rows are not used once another process has written', async () => {
  const schema = newSchema()
  const stores = Array.from({ length: 2 }, () => postgresStore({ url: server.url, schema }))
  const [one, other] = stores as [Store, Store]
  await plantLedger(one, 4n)
  const hold = (store: Store, name: string) =>
    store.commit({ session: sessionId }, holdOneInLedger(name), 'now')
  // Each store has cached the session, and sees what the other has held since.
  const held: unknown[] = []
  for (const store of [one, one, other, other, one]) held.push(await hold(store, 'x'))
  expect(held).toEqual(['held', 'held', 'held', 'held', 'over'])
  // A session that another process has revoked is read anew as well.
  await other.commit(
    { session: sessionId },
    ({ session }) => {
      if (!session) throw new Error('There is no session.')
      return {
        result: 0,
        sessions: [{ ...session, revokedAt: 7 }],
        events: [notedInLedger('revoked')],
      }
    },
    'now',
  )
  const seen = await one.commit(
    { session: sessionId },
    ({ session }) => ({ result: session?.revokedAt, events: [notedInLedger('seen')] }),
    'now',
  )
  expect(seen).toBe(7)
  for (const store of stores) await store.close()
})

/** Waits until a connection waits for a lock. */
async function untilBlocked(): Promise<void> {
  for (;;) {
    const blocked = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'
      AND datname = current_database()`
    if ((await server.query(blocked)).length > 0) return
  }
}

test('commits on accounts in any order never deadlock', async () => {
  const schema = newSchema()
  const stores = Array.from({ length: 4 }, () =>
    postgresStore({ url: server.url, schema, connections: 2 }),
  )
  const first = stores[0] as Store
  const parents = Array.from({ length: 10 }, (_, index) => `ses_${index}`)
  const sessions = parents.flatMap((id) => [
    sharedLedgerSession(id, 10_000n),
    sharedLedgerSession(`${id}_child`, 10_000n, id),
  ])
  const rows = { delegations: [sharedDelegation], sessions }
  await first.commit({}, () => ({ result: 0, ...rows, events: [notedInLedger('planted')] }), 'now')
  let next = 7
  const commits = Array.from({ length: 1_000 }, (_, index) => {
    // A linear congruential generator gives the same unordered sequence in each run.
    next = (next * 1_103_515_245 + 12_345) % 2_147_483_648
    const session = sessions[next % sessions.length]?.id ?? ''
    return (stores[index % stores.length] as Store).commit(
      { session },
      holdOneInLedger(`${index}`),
      'now',
    )
  })
  expect(new Set(await Promise.all(commits))).toEqual(new Set(['held']))
  const trail = await ledgerTrailOf(first)
  expect(trail.length).toBe(1_001)
  expect(isLedgerChained(trail)).toBe(true)
  const held = await Promise.all(
    sessions.map(async ({ id }) => (await first.read({ session: id })).session?.usage.heldMicro),
  )
  expect(held.reduce<bigint>((sum, one) => sum + (one ?? 0n), 0n)).toBe(1_000n)
  for (const store of stores) await store.close()
  await server.query('SELECT pg_stat_clear_snapshot()')
  const [found] = await server.query(
    'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()',
  )
  expect(found).toEqual({ deadlocks: 0 })
})
