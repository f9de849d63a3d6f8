import { BursarError, type Store } from '@bursar/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresStoreOptions, postgresStore } from '../postgres-store.ts'
import { ledgerTrailOf, notedInLedger, plantLedger } from '../test-process/ledger.ts'
import { type TestPostgres, testPostgres } from '../test-process/postgres-server.ts'
import { openConnections } from './connections.ts'

let server: TestPostgres

beforeAll(async () => {
  server = await testPostgres()
})

afterAll(() => server.stop())

const SECRET = 'correct-horse'

/** Returns the server's URL with some parts replaced. */
function urlWith(parts: Partial<Record<'username' | 'password' | 'port' | 'pathname', string>>) {
  return Object.assign(new URL(server.url), parts).href
}

/** Returns the error of the first call, without the server's address in its message. */
async function errorOf(options: PostgresStoreOptions): Promise<string> {
  let store: Store | undefined
  try {
    store = postgresStore(options)
    await store.commit({}, () => ({ result: 0, events: [notedInLedger('x')] }), 'now')
    return 'opened'
  } catch (error) {
    if (!BursarError.isInstance(error)) throw error
    const { host, pathname } = new URL(server.url)
    const whole = `${error.message} ${JSON.stringify(error.cause)} ${String(error.cause)}`
    expect(whole).not.toContain(SECRET)
    expect(whole).not.toContain(new URL(server.url).password)
    const text = `${error.code}: ${error.message}`
    return text
      .replaceAll(`${host}${pathname}`, '<store>')
      .replaceAll(host, '<server>')
      .replaceAll(pathname.slice(1), '<database>')
  } finally {
    await store?.close()
  }
}

test('a missing server is refused', async () => {
  const message = await errorOf({ url: `postgres://alice:${SECRET}@127.0.0.1:1/ledger` })
  expect(message).toMatchInlineSnapshot(
    `"store_unavailable: The store 127.0.0.1:1/ledger cannot be opened: the server cannot be reached: connect ECONNREFUSED 127.0.0.1:1."`,
  )
})

test('a host without an address is refused', async () => {
  const message = await errorOf({ url: `postgres://alice:${SECRET}@bursar.invalid/ledger` })
  expect(message).toContain(
    'store_unavailable: The store bursar.invalid:5432/ledger cannot be opened: ',
  )
})

test('a wrong password is refused', async () => {
  expect(await errorOf({ url: urlWith({ password: SECRET }) })).toMatchInlineSnapshot(
    `"store_unavailable: The store <store> cannot be opened: the server refuses the user postgres: password authentication failed for user "postgres"."`,
  )
})

test('a missing database is refused', async () => {
  expect(await errorOf({ url: urlWith({ pathname: '/nowhere' }) })).toMatchInlineSnapshot(
    `"store_unavailable: The store <server>/nowhere cannot be opened: database "nowhere" does not exist. Create it first."`,
  )
})

test('a server without TLS is refused if the URL asks for TLS', async () => {
  const url = `${server.url}?sslmode=verify-full`
  expect(await errorOf({ url })).toMatchInlineSnapshot(
    `"store_unavailable: The store <store> cannot be opened: the server cannot be reached: The server does not support SSL connections."`,
  )
})

test('a database in another encoding is refused', async () => {
  const name = 'bursar_latin'
  await server.query(`CREATE DATABASE ${name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`)
  const message = await errorOf({ url: urlWith({ pathname: `/${name}` }) })
  await server.query(`DROP DATABASE ${name} WITH (FORCE)`)
  expect(message.replace(/\S+\/bursar_latin/, '<store>')).toMatchInlineSnapshot(
    `"store_unavailable: The store <store> cannot be opened: the database's encoding is LATIN1, not UTF8."`,
  )
})

test('a schema of another application is refused, and stays as it is', async () => {
  await server.query('CREATE SCHEMA photos; CREATE TABLE photos.photos (name TEXT)')
  expect(await errorOf({ url: server.url, schema: 'photos' })).toMatchInlineSnapshot(
    `"store_unavailable: The store <store> cannot be opened: its schema photos holds another application's tables."`,
  )
  const tables = await server.query("SELECT tablename FROM pg_tables WHERE schemaname = 'photos'")
  expect(tables).toEqual([{ tablename: 'photos' }])
})

test('an empty schema is used', async () => {
  await server.query('CREATE SCHEMA empty')
  expect(await errorOf({ url: server.url, schema: 'empty' })).toBe('opened')
})

test('a newer schema is refused', async () => {
  expect(await errorOf({ url: server.url, schema: 'newer' })).toBe('opened')
  await server.query('UPDATE newer.installation SET version = version + 1')
  expect(await errorOf({ url: server.url, schema: 'newer' })).toMatchInlineSnapshot(
    `"store_schema_newer: The store <store> has schema version 5; this version of @bursar/store-postgres knows 4. Update the package."`,
  )
})

test('a user without rights is refused, and rights on the tables are enough', async () => {
  await server.query(`CREATE ROLE bursar_guest LOGIN PASSWORD '${SECRET}'`)
  const options = {
    url: urlWith({ username: 'bursar_guest', password: SECRET }),
    schema: 'guarded',
  }
  expect(await errorOf(options)).toMatchInlineSnapshot(
    `"store_unavailable: The store <store> cannot be opened: the user bursar_guest may not use or create what it needs: permission denied for database <database>."`,
  )
  expect(await errorOf({ ...options, url: server.url })).toBe('opened')
  expect(await errorOf(options)).toMatchInlineSnapshot(
    `"store_unavailable: The store <store> cannot be opened: the user bursar_guest may not use or create what it needs: permission denied for schema guarded."`,
  )
  await server.query(`GRANT USAGE ON SCHEMA guarded TO bursar_guest;
    GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA guarded TO bursar_guest`)
  expect(await errorOf(options)).toBe('opened')
  const store = postgresStore(options)
  await plantLedger(store, 1n)
  expect((await ledgerTrailOf(store)).length).toBe(3)
  await store.close()
  await server.query('DROP OWNED BY bursar_guest; DROP ROLE bursar_guest')
})

test('a user who can only read is refused', async () => {
  await server.query(`CREATE ROLE bursar_reader SUPERUSER LOGIN PASSWORD '${SECRET}';
    ALTER ROLE bursar_reader SET default_transaction_read_only = on`)
  const url = urlWith({ username: 'bursar_reader', password: SECRET })
  expect(await errorOf({ url, schema: 'unmade' })).toMatchInlineSnapshot(
    `"store_readonly: The store <store> cannot be opened: cannot execute CREATE SCHEMA in a read-only transaction."`,
  )
  expect(await errorOf({ url: server.url, schema: 'made' })).toBe('opened')
  expect(await errorOf({ url, schema: 'made' })).toMatchInlineSnapshot(
    `"store_readonly: The store <store> cannot be written: cannot execute SELECT FOR NO KEY UPDATE in a read-only transaction."`,
  )
  await server.query('DROP ROLE bursar_reader')
})

test('a later call connects after one that failed to connect', async () => {
  const name = 'bursar_later'
  const store = postgresStore({ url: urlWith({ pathname: `/${name}` }) })
  await expect(store.read({})).rejects.toMatchObject({ code: 'store_unavailable' })
  await server.query(`CREATE DATABASE ${name}`)
  expect(await store.read({})).toEqual({ ancestors: [] })
  await store.close()
  await server.query(`DROP DATABASE ${name} WITH (FORCE)`)
})

test('a store switches synchronous commits on if the server has them off', async () => {
  await server.query(`CREATE ROLE bursar_hasty SUPERUSER LOGIN PASSWORD '${SECRET}';
    ALTER ROLE bursar_hasty SET synchronous_commit = off`)
  const url = urlWith({ username: 'bursar_hasty', password: SECRET })
  const connections = openConnections({ url, schema: 'hasty', connections: 2 })
  const shown = await connections.write(
    async (client) => (await client.query('SHOW synchronous_commit')).rows,
  )
  expect(shown).toEqual([{ synchronous_commit: 'on' }])
  await connections.close()
  await server.query('DROP OWNED BY bursar_hasty; DROP ROLE bursar_hasty')
})

test('a store opens no more connections than its option allows', async () => {
  const store = postgresStore({ url: server.url, schema: 'bounded', connections: 3 })
  const commit = () => store.commit({}, () => ({ result: 0, events: [notedInLedger('x')] }), 'now')
  await Promise.all(Array.from({ length: 50 }, () => [commit(), store.read({})]).flat())
  const [counted] = await server.query(`SELECT count(*)::integer AS open FROM pg_stat_activity
    WHERE application_name = 'bursar' AND datname = current_database()`)
  expect(counted).toEqual({ open: 3 })
  await store.close()
})

test('a bad option is refused with its name', async () => {
  const { url } = server
  expect([
    await errorOf({ url: '' }),
    await errorOf({ url: `mysql://alice:${SECRET}@db/ledger` }),
    await errorOf({ url: `postgres://alice:${SECRET}@db:port/ledger` }),
    await errorOf({ url: `postgres://alice:${SECRET}@db/ledger?sslrootcert=missing.pem` }),
    await errorOf({ url, schema: 'Robert"; DROP' }),
    await errorOf({ url, schema: 'pg_catalog' }),
    await errorOf({ url, connections: 1 }),
    await errorOf({ url, connections: 1_000 }),
    await errorOf({ url, clock: 7 } as never),
  ]).toMatchInlineSnapshot(`
    [
      "invalid_input: postgresStore: url: must be a URL that begins with postgres://.",
      "invalid_input: postgresStore: url: must be a URL that begins with postgres://.",
      "invalid_input: postgresStore: url: Invalid URL.",
      "invalid_input: postgresStore: url: ENOENT: no such file or directory, open 'missing.pem'.",
      "invalid_input: postgresStore: schema: must be a name of lower-case letters, digits and underscores.",
      "invalid_input: postgresStore: schema: must be a name of lower-case letters, digits and underscores.",
      "invalid_input: postgresStore: connections: must be a whole number from 2 to 100.",
      "invalid_input: postgresStore: connections: must be a whole number from 2 to 100.",
      "invalid_input: postgresStore: clock: must be a function.",
    ]
  `)
})
