import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgresStore } from './postgres-store.ts'
import {
  holdOneInLedger,
  isLedgerChained,
  ledgerReasonsOf,
  ledgerTrailOf,
  plantLedger,
  sessionId,
} from './test-process/ledger.ts'
import { type TestPostgres, testPostgres } from './test-process/postgres-server.ts'

let server: TestPostgres

beforeAll(async () => {
  server = await testPostgres({ own: true })
})

afterAll(() => server.stop())

test('every commit is written once if the server restarts in between', async () => {
  const store = postgresStore({ url: server.url })
  await plantLedger(store, 1_000n)
  let settled = 0
  let restarting: Promise<void> | undefined
  const results = await Promise.all(
    Array.from({ length: 20 }, async (_, payer) => {
      const own: string[] = []
      for (let index = 0; index < 20; index += 1) {
        const name = `${payer}-${index}`
        own.push(await store.commit({ session: sessionId }, holdOneInLedger(name), 'now'))
        settled += 1
        if (settled === 100) restarting = server.restart()
      }
      return own
    }),
  )
  await restarting
  expect(results.flat().filter((result) => result === 'held').length).toBe(400)
  const trail = await ledgerTrailOf(store)
  expect(new Set(ledgerReasonsOf(trail)).size).toBe(401)
  expect(trail.length).toBe(401)
  expect(isLedgerChained(trail)).toBe(true)
  await store.close()
})

test('a store reconnects to a server that was stopped and started', async () => {
  const store = postgresStore({ url: server.url, schema: 'idle' })
  await plantLedger(store, 10n)
  await server.restart()
  expect(await store.commit({ session: sessionId }, holdOneInLedger('x'), 'now')).toBe('held')
  expect((await store.read({ session: sessionId })).session?.usage.heldMicro).toBe(1n)
  await store.close()
})
