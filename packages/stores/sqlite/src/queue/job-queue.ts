import { setImmediate as nextTurn } from 'node:timers/promises'
import { SOON_MS } from '@bursar/core/store'
import type { BatchRunner } from './batch.ts'
import type { Job, Outcome } from './job-transaction.ts'

/** The most jobs of one transaction: more would keep the event loop for too long. */
export const MAX_BATCH = 128

/** Jobs in the order of their calls, run in batches. */
export interface JobQueue {
  /** Checks whether no job waits or runs. */
  isIdle(): boolean
  /** Runs a job in its turn. Resolves with its value, or rejects with its error, once it is settled. */
  enqueue<Result>(kind: Job['kind'], run: () => Outcome): Promise<Result>
  /** Resolves when every job is settled. */
  drain(): Promise<void>
}

/**
 * Returns the queue of a batch runner.
 *
 * Jobs that wait in one turn of the event loop share a transaction. A job `soon` does not start one: it
 * joins the next job `now`, or is due after `SOON_MS`.
 */
export function jobQueue({ run, openCount }: BatchRunner): JobQueue {
  const waiting: Job[] = []
  let urgent = 0
  let isRunning = false
  let isDue = false
  let timer: NodeJS.Timeout | undefined
  let draining: PromiseWithResolvers<void> | undefined

  const isDemanded = (): boolean => {
    const isSome = waiting.length + openCount() > 0
    const isLate = isDue || draining !== undefined
    return urgent > 0 || waiting.length >= MAX_BATCH || (isSome && isLate)
  }
  const runNext = async (): Promise<void> => {
    const jobs = waiting.splice(0, MAX_BATCH)
    urgent -= jobs.filter(({ kind }) => kind !== 'soon').length
    const isFull = openCount() + jobs.length >= MAX_BATCH
    const isNow = jobs.some(({ kind }) => kind === 'now')
    await run(jobs, isNow || isFull || isDue || draining !== undefined)
    if (waiting.length + openCount() > 0) return
    clearTimeout(timer)
    timer = undefined
    isDue = false
  }
  const runAll = async (): Promise<void> => {
    while (isDemanded()) {
      await runNext()
      if (isDemanded()) await nextTurn()
    }
    isRunning = false
    draining?.resolve()
  }
  const start = (): void => {
    if (isRunning) return
    isRunning = true
    setImmediate(() => void runAll())
  }
  const fallDue = (): void => {
    isDue = true
    if (isDemanded()) start()
  }
  return {
    isIdle: () => !isRunning && waiting.length === 0,
    enqueue: (kind, runJob) =>
      new Promise((resolve, reject) => {
        const settle = (outcome: Outcome): void =>
          'error' in outcome ? reject(outcome.error) : resolve(outcome.value as never)
        waiting.push({ kind, run: runJob, settle })
        if (kind !== 'soon') urgent += 1
        else timer ??= setTimeout(fallDue, SOON_MS)
        if (isDemanded()) start()
      }),
    drain() {
      draining ??= Promise.withResolvers()
      start()
      return draining.promise
    },
  }
}
