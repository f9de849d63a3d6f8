import { type Change, type LedgerState, type Scope, SOON_MS, type When } from '@bursar/core'
import type { Connections } from '../database/connections.ts'
import { closedError } from '../database/store-error.ts'
import type { Job, Outcome } from '../transaction/transaction.ts'
import type { RunBatch } from './batch.ts'

/** Jobs that share one transaction at most: more would hold its locks, and the event loop, for long. */
export const MAX_BATCH = 128

/** One queue for everything that this process writes, and for the reads that have to see it. */
export interface CommitQueue {
  commit<Result>(
    scope: Scope,
    change: (state: LedgerState, now: number) => Change<Result>,
    when: When,
  ): Promise<Result>
  /** Runs a read that sees everything that was committed before it was asked. */
  read<Result>(query: () => Promise<Result>): Promise<Result>
  /** Makes durable what waits, waits for reads under way, and closes the connections. */
  close(): Promise<void>
}

/**
 * Whatever waits when the batch before it has ended shares one transaction, in the order of its
 * calls. A commit `soon` wakes nobody: it rides with the next commit `now`, or is due after
 * `SOON_MS`. A read cannot see what is not committed: it has what waits committed first.
 */
export function commitQueue(runBatch: RunBatch, connections: Connections): CommitQueue {
  const waiting: Job[] = []
  const reads = new Set<Promise<unknown>>()
  /** Waiting jobs, from the first one, that are not to wait any longer. */
  let demanded = 0
  let isAwake = false
  let timer: NodeJS.Timeout | undefined
  /** Resolves when the last job is settled, and so all before it. */
  let tail: Promise<void> = Promise.resolve()
  let closing: Promise<void> | undefined

  const work = async (): Promise<void> => {
    while (demanded > 0) {
      const jobs = waiting.splice(0, MAX_BATCH)
      demanded = Math.max(0, demanded - jobs.length)
      if (waiting.length === 0) {
        clearTimeout(timer)
        timer = undefined
      }
      await runBatch(jobs)
    }
    isAwake = false
  }
  const demandAll = (): void => {
    demanded = waiting.length
    if (isAwake || demanded === 0) return
    isAwake = true
    // What is asked for in the same turn of the event loop shares the transaction.
    setImmediate(() => void work())
  }
  const settled = async (): Promise<void> => {
    demandAll()
    await tail
  }
  const fallDue = (): void => {
    timer = undefined
    demandAll()
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
      tail = promise.then(() => {})
      if (when === 'now' || waiting.length - demanded >= MAX_BATCH) demandAll()
      else timer ??= setTimeout(fallDue, SOON_MS)
      const outcome = await promise
      if ('error' in outcome) throw outcome.error
      return outcome.value as Result
    },
    async read(query) {
      if (closing !== undefined) throw closedError(connections.target)
      const reading = settled().then(query)
      reads.add(reading)
      try {
        return await reading
      } finally {
        reads.delete(reading)
      }
    },
    close() {
      closing ??= (async () => {
        await settled()
        await Promise.allSettled(reads)
        await connections.close()
      })()
      return closing
    },
  }
}
