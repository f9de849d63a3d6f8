import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type AuditEvent, BursarError, type Store } from '@bursar/core'
import { afterAll, expect, test } from 'vitest'
import { openDatabase } from './database/open-database.ts'
import { sqliteStore, storeOn } from './sqlite-store.ts'
import { holdOneInLedger, plantLedger, sessionId } from './test-process/ledger.ts'

const directory = mkdtempSync(join(tmpdir(), 'bursar-failures-'))

afterAll(() => rmSync(directory, { recursive: true }))

async function errorOf(promise: Promise<unknown>): Promise<BursarError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (BursarError.isInstance(error)) return error
  throw new Error(`Expected a BursarError, not ${String(error)}`)
}

function record(store: Store, reason: string): Promise<number> {
  const event: AuditEvent = { type: 'session-locked', session: 's', delegation: 'd', reason }
  return store.commit({}, () => ({ result: 0, events: [event] }), 'now')
}

test('a full disk rejects the commits that do not fit, and the store goes on', async () => {
  const path = join(directory, 'full.db')
  const database = openDatabase(path)
  const store = storeOn(database, { path, clock: Date.now })
  await plantLedger(store, 100n)
  const pages = Number(database.statement('PRAGMA page_count').get()?.page_count)
  database.exec(`PRAGMA max_page_count = ${pages + 4}`)
  const hold = store.commit({ session: sessionId }, holdOneInLedger('small'), 'now')
  const full = errorOf(record(store, 'x'.repeat(100_000)))
  const again = store.commit({ session: sessionId }, holdOneInLedger('small'), 'now')
  expect([await hold, await again]).toEqual(['held', 'held'])
  const error = await full
  expect(error.code).toBe('store_failed')
  expect(error.message).toContain('database or disk is full')
  expect((error.cause as Error).message).toBe('database or disk is full')
  database.exec('PRAGMA max_page_count = 1000000')
  await record(store, 'x'.repeat(100_000))
  expect((await store.audit({})).rows.length).toBe(4)
  expect((await store.read({ session: sessionId })).session?.usage.heldMicro).toBe(2n)
  await store.close()
})

test('a lock that is held for too long rejects commits, and the store goes on', async () => {
  const path = join(directory, 'locked.db')
  const store = storeOn(openDatabase(path), { path, clock: Date.now }, 5)
  await plantLedger(store, 100n)
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const waiting = ['now', 'soon'] as const
  const commits = waiting.map((when) =>
    errorOf(store.commit({ session: sessionId }, holdOneInLedger('x'), when)),
  )
  expect((await Promise.all(commits)).map(({ code }) => code)).toEqual([
    'store_locked',
    'store_locked',
  ])
  expect((await store.read({ session: sessionId })).session?.usage.heldMicro).toBe(0n)
  other.exec('ROLLBACK')
  other.close()
  expect(await store.commit({ session: sessionId }, holdOneInLedger('x'), 'now')).toBe('held')
  await store.close()
})

test('the file refuses an account over its total', async () => {
  const path = join(directory, 'over.db')
  const store = sqliteStore({ path })
  await plantLedger(store, 1n)
  const over = store.commit(
    { session: sessionId },
    ({ session }) => {
      if (!session) throw new Error('The session is not there.')
      const usage = { ...session.usage, heldMicro: 2n }
      const events: AuditEvent[] = [{ type: 'session-locked', session: 's', delegation: 'd' }]
      return { result: 0, sessions: [{ ...session, usage }], events }
    },
    'now',
  )
  expect((await errorOf(over)).code).toBe('invariant_broken')
  expect((await store.read({ session: sessionId })).session?.usage.heldMicro).toBe(0n)
  await store.close()
})

test('audit records can be neither changed nor removed by accident', async () => {
  const path = join(directory, 'audit.db')
  const store = sqliteStore({ path })
  await record(store, 'one')
  await store.close()
  const other = new DatabaseSync(path)
  expect(() => other.exec("UPDATE audit SET body = '{}'")).toThrow('never changed')
  expect(() => other.exec('DELETE FROM audit')).toThrow('never removed')
  other.close()
})

test('a commit is rejected if the clock is broken', async () => {
  const store = sqliteStore({ path: ':memory:', clock: () => Number.NaN })
  let isAsked = false
  const change = (): { result: number; events: AuditEvent[] } => {
    isAsked = true
    return { result: 0, events: [] }
  }
  expect((await errorOf(store.commit({}, change, 'now'))).code).toBe('invalid_input')
  expect(isAsked).toBe(false)
  await store.close()
})
