import type { Change, LedgerState, Scope, When } from '@bursar/core'
import { SOON_MS } from '@bursar/core/store'
import type { Connections } from '../database/connections.ts'
import { closedError } from '../database/store-error.ts'
import type { Job, Outcome } from '../transaction/transaction.ts'
import type { RunBatch } from './batch.ts'

/** Most jobs of one transaction: more would hold its lock, and the event loop, for too long. */
export const MAX_BATCH = 128

/** The queue of this process's commits, and of the reads that have to see them. */
export interface CommitQueue {
  commit<Result>(
    scope: Scope,
    change: (state: LedgerState, now: number) => Change<Result>,
    when: When,
  ): Promise<Result>
  /** Runs a read that sees every commit that was asked for before it. */
  read<Result>(query: () => Promise<Result>): Promise<Result>
  /** Commits the jobs in the queue, waits for reads in flight, and closes the connections. */
  close(): Promise<void>
}

/**
 * Returns the commit queue of a store.
 *
 * Jobs that wait when a batch has ended share the next transaction, in the order of their calls. A
 * commit `soon` does not start a transaction: it joins the next commit `now`, or is due after
 * `SOON_MS`. A read cannot see an open transaction, so it has the waiting jobs committed first.
 */
export function commitQueue(runBatch: RunBatch, connections: Connections): CommitQueue {
  const waiting: Job[] = []
  const reads = new Set<Promise<unknown>>()
  /** The number of jobs, from the first one, that must not wait any longer. */
  let urgent = 0
  let isRunning = false
  let timer: NodeJS.Timeout | undefined
  /** Resolves when the newest job is settled, and so all jobs before it. */
  let newestSettled: Promise<void> = Promise.resolve()
  let closing: Promise<void> | undefined

  const runJobs = async (): Promise<void> => {
    while (urgent > 0) {
      const jobs = waiting.splice(0, MAX_BATCH)
      urgent = Math.max(0, urgent - jobs.length)
      if (waiting.length === 0) {
        clearTimeout(timer)
        timer = undefined
      }
      await runBatch(jobs)
    }
    isRunning = false
  }
  const runWaiting = (): void => {
    urgent = waiting.length
    if (isRunning || urgent === 0) return
    isRunning = true
    // Calls of the current turn of the event loop share the transaction.
    setImmediate(() => void runJobs())
  }
  const settleWaiting = async (): Promise<void> => {
    runWaiting()
    await newestSettled
  }
  const fallDue = (): void => {
    timer = undefined
    runWaiting()
  }
  return {
    async commit<Result>(
      scope: Scope,
      change: (state: LedgerState, now: number) => Change<Result>,
      when: When,
    ): Promise<Result> {
      if (closing !== undefined) throw closedError(connections.target)
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      waiting.push({ scope, change, settle: resolve })
      newestSettled = promise.then(() => {})
      if (when === 'now' || waiting.length - urgent >= MAX_BATCH) runWaiting()
      else timer ??= setTimeout(fallDue, SOON_MS)
      const outcome = await promise
      if ('error' in outcome) throw outcome.error
      return outcome.value as Result
    },
    async read(query) {
      if (closing !== undefined) throw closedError(connections.target)
      const reading = settleWaiting().then(query)
      reads.add(reading)
      try {
        return await reading
      } finally {
        reads.delete(reading)
      }
    },
    close() {
      closing ??= (async () => {
        await settleWaiting()
        await Promise.allSettled(reads)
        await connections.close()
      })()
      return closing
    },
  }
}
