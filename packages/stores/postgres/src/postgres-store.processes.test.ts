import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgresStore } from './postgres-store.ts'
import { type TestPostgres, testPostgres } from './test-process/postgres-server.ts'

let server: TestPostgres

beforeAll(async () => {
  server = await testPostgres()
})

afterAll(() => server.stop())

const script = fileURLToPath(new URL('../test/store-script.ts', import.meta.url))

test('four processes can create one schema at once', async () => {
  const options = { url: server.url, schema: 'fresh' }
  const place = JSON.stringify(options)
  const children = ['one', 'two', 'three', 'four'].map(() => fork(script, [place]))
  await Promise.all(children.map((child) => once(child, 'exit')))
  expect(children.map((child) => child.exitCode)).toEqual([0, 0, 0, 0])
  const store = postgresStore(options)
  expect(await store.audit({})).toEqual({ rows: [] })
  await store.close()
})
