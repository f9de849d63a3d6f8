import type { When } from '@bursar/core'
import { SOON_MS } from '@bursar/core/store'
import type { Job, Outcome } from '../transaction/transaction.ts'
import type { RunBatch } from './batch.ts'

/** The most jobs of one transaction: more would hold its lock, and the event loop, for too long. */
export const MAX_BATCH = 128

/** Jobs in the order of their calls, run in batches. */
export interface JobQueue {
  /** Runs a job in its turn. Resolves once it is settled. */
  enqueue(job: Omit<Job, 'settle'>, when: When): Promise<Outcome>
  /** Runs the waiting jobs without further delay. Resolves when all of them are settled. */
  settleWaiting(): Promise<void>
}

/**
 * Returns the queue of a store.
 *
 * Jobs that wait when a batch has ended share the next transaction. A job `soon` does not start one: it
 * joins the next job `now`, or is due after `SOON_MS`.
 */
export function jobQueue(runBatch: RunBatch): JobQueue {
  const waiting: Job[] = []
  /** The number of jobs, from the first one, that must not wait any longer. */
  let urgent = 0
  let isRunning = false
  let timer: NodeJS.Timeout | undefined
  /** Resolves when the newest job is settled, and so all jobs before it. */
  let newestSettled: Promise<void> = Promise.resolve()

  const runUrgent = async (): Promise<void> => {
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
    setImmediate(() => void runUrgent())
  }
  const fallDue = (): void => {
    timer = undefined
    runWaiting()
  }
  return {
    enqueue(job, when) {
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      waiting.push({ ...job, settle: resolve })
      newestSettled = promise.then(() => {})
      if (when === 'now' || waiting.length - urgent >= MAX_BATCH) runWaiting()
      else timer ??= setTimeout(fallDue, SOON_MS)
      return promise
    },
    async settleWaiting() {
      runWaiting()
      await newestSettled
    },
  }
}
