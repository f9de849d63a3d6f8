import { fileURLToPath } from 'node:url'
import { testStore } from '@bursar/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresStore } from './postgres-store.ts'
import { type TestPostgres, testPostgres } from './test-process/postgres-server.ts'

let server: TestPostgres
let schemas = 0

beforeAll(async () => {
  server = await testPostgres()
})

afterAll(() => server.stop())

testStore(
  'postgresStore',
  async () => {
    schemas += 1
    const schema = `suite_${schemas}`
    const { url } = server
    return {
      place: JSON.stringify({ url, schema }),
      open: async (clock) => postgresStore({ url, schema, clock, connections: 3 }),
    }
  },
  { describe, test, expect },
  fileURLToPath(new URL('../test/store-script.ts', import.meta.url)),
)
