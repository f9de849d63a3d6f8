import { setImmediate as nextTurn } from 'node:timers/promises'
import { SOON_MS } from '@bursar/core/store'
import { expect, test, vi } from 'vitest'
import type { Connections } from '../database/connections.ts'
import type { Job } from '../transaction/transaction.ts'
import { commitQueue } from './commit-queue.ts'
import { MAX_BATCH } from './job-queue.ts'

const nothing = () => ({ result: 0, events: [] })

/** Returns a queue whose transactions do nothing, and the sizes of its batches. */
function counted(): { queue: ReturnType<typeof commitQueue>; sizes: number[] } {
  const sizes: number[] = []
  const runBatch = async (jobs: readonly Job[]): Promise<void> => {
    sizes.push(jobs.length)
    for (const job of jobs) job.settle({ value: sizes.length })
  }
  const connections = { target: 'db:5432/ledger', close: async () => {} } as Connections
  return { queue: commitQueue(runBatch, connections), sizes }
}

test('waiting commits share a transaction, up to a bound', async () => {
  const { queue, sizes } = counted()
  const commit = () => queue.commit({}, nothing, 'now')
  await Promise.all(Array.from({ length: 3 * MAX_BATCH + 1 }, commit))
  expect(sizes).toEqual([MAX_BATCH, MAX_BATCH, MAX_BATCH, 1])
  await queue.close()
})

test('a commit soon joins the next commit now', async () => {
  const { queue, sizes } = counted()
  const soon = [queue.commit({}, nothing, 'soon'), queue.commit({}, nothing, 'soon')]
  expect(await queue.commit({}, nothing, 'now')).toBe(1)
  expect(await Promise.all(soon)).toEqual([1, 1])
  expect(sizes).toEqual([3])
  await queue.close()
})

test('a read waits only for the commits that were asked for before it', async () => {
  const { queue, sizes } = counted()
  expect(await queue.read(async () => sizes.length)).toBe(0)
  void queue.commit({}, nothing, 'soon')
  expect(await queue.read(async () => sizes.length)).toBe(1)
  await queue.close()
})

test('commits soon do not wait once they fill a transaction', async () => {
  const { queue, sizes } = counted()
  const commit = () => queue.commit({}, nothing, 'soon')
  await Promise.all(Array.from({ length: MAX_BATCH }, commit))
  expect(sizes).toEqual([MAX_BATCH])
  await queue.close()
})

test('commits soon that full transactions leave over fall due as well', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const first = Promise.withResolvers<void>()
    let jobs = 0
    const runBatch = async (batch: readonly Job[]): Promise<void> => {
      if (jobs === 0) await first.promise
      jobs += batch.length
      for (const job of batch) job.settle({ value: 0 })
    }
    const connections = { target: 'db:5432/ledger', close: async () => {} } as Connections
    const queue = commitQueue(runBatch, connections)
    const commit = (when: 'now' | 'soon') => queue.commit({}, nothing, when)
    const running = commit('now')
    await nextTurn()
    const due = commit('soon')
    const urgent = Array.from({ length: MAX_BATCH + 100 }, () => commit('now'))
    vi.advanceTimersByTime(SOON_MS)
    const late = Array.from({ length: 60 }, () => commit('soon'))
    first.resolve()
    await Promise.all([running, due, ...urgent])
    vi.advanceTimersByTime(SOON_MS)
    await Promise.all(late)
    expect(jobs).toBe(MAX_BATCH + 162)
    await queue.close()
  } finally {
    vi.useRealTimers()
  }
})
