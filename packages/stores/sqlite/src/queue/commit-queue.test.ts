import type { AuditEvent } from '@bursar/core'
import { SOON_MS } from '@bursar/core/store'
import { expect, test, vi } from 'vitest'
import { openDatabase } from '../database/open-database.ts'
import { type Ledger, openLedger } from '../transaction/ledger.ts'
import { commitQueue } from './commit-queue.ts'
import { MAX_BATCH } from './job-queue.ts'

const event: AuditEvent = { type: 'session-locked', session: 's', delegation: 'd' }
const change = (): { result: number; events: AuditEvent[] } => ({ result: 0, events: [event] })

/** Returns a queue over a database in memory, and the number of its commits. */
function counted(): { queue: ReturnType<typeof commitQueue>; commits: () => number } {
  let commits = 0
  const ledger = openLedger(openDatabase(':memory:'))
  const counting: Ledger = {
    ...ledger,
    commit() {
      commits += 1
      ledger.commit()
    },
  }
  return {
    queue: commitQueue(counting, { clock: () => 1, path: ':memory:' }),
    commits: () => commits,
  }
}

test('waiting commits share a transaction, up to a bound', async () => {
  const { queue, commits } = counted()
  await Promise.all(Array.from({ length: 4 * MAX_BATCH }, () => queue.commit({}, change, 'now')))
  expect(commits()).toBe(4)
  await queue.commit({}, change, 'now')
  expect(commits()).toBe(5)
  await queue.close()
})

test('a commit soon joins the next commit now', async () => {
  const { queue, commits } = counted()
  const soon = [queue.commit({}, change, 'soon'), queue.commit({}, change, 'soon')]
  await queue.commit({}, change, 'now')
  await Promise.all(soon)
  expect(commits()).toBe(1)
  await queue.close()
})

test('a commit soon is written alone when it falls due, and no later', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { queue, commits } = counted()
  const soon = queue.commit({}, change, 'soon')
  await vi.advanceTimersByTimeAsync(SOON_MS - 1)
  expect(commits()).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  vi.useRealTimers()
  await soon
  expect(commits()).toBe(1)
  await queue.close()
})

test('a read between commits needs no transaction of its own', async () => {
  const { queue, commits } = counted()
  const soon = queue.commit({}, change, 'soon')
  expect(await queue.read(() => commits())).toBe(0)
  const later = queue.commit({}, change, 'soon')
  expect(await queue.read(() => commits())).toBe(0)
  await queue.commit({}, change, 'now')
  await Promise.all([soon, later])
  expect(commits()).toBe(1)
  await queue.close()
})

test('a commit that a read has run is settled only once it is durable', async () => {
  const { queue, commits } = counted()
  const soon = queue.commit({}, change, 'soon').then(() => commits())
  await queue.read(() => 0)
  await queue.commit({}, change, 'now')
  expect(await soon).toBe(1)
  await queue.close()
})

test('a write that fails leaves a commit that a read has run before', async () => {
  const { queue } = counted()
  const soon = queue.commit({}, change, 'soon')
  await queue.read(() => 0)
  const contents = [
    { payment: 'pay_unknown', status: 200, headers: {}, body: new Uint8Array(), truncated: false },
  ]
  const failing = queue.commit({}, () => ({ ...change(), contents }), 'now')
  await expect(failing).rejects.toMatchObject({ code: 'invariant_broken' })
  expect(await soon).toBe(0)
  await queue.close()
})

test('commits soon do not wait once they fill a transaction', async () => {
  const { queue, commits } = counted()
  await Promise.all(Array.from({ length: MAX_BATCH }, () => queue.commit({}, change, 'soon')))
  expect(commits()).toBe(1)
  await queue.close()
})

test('a change that throws leaves the others in their shared transaction', async () => {
  const { queue, commits } = counted()
  const refuse = (): never => {
    throw new Error('no')
  }
  const results = await Promise.allSettled([
    queue.commit({}, change, 'now'),
    queue.commit({}, refuse, 'now'),
    queue.commit({}, change, 'now'),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(commits()).toBe(1)
  await queue.close()
})
