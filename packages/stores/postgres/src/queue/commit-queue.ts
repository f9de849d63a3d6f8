import type { Change, LedgerState, Scope, When } from '@bursar/core'
import type { Connections } from '../database/connections.ts'
import { closedError } from '../database/store-error.ts'
import type { RunBatch } from './batch.ts'
import { jobQueue } from './job-queue.ts'

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
 * A read uses a connection of its own, which does not see an open transaction. So it has the waiting
 * jobs committed first.
 */
export function commitQueue(runBatch: RunBatch, connections: Connections): CommitQueue {
  const queue = jobQueue(runBatch)
  const reads = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined
  const closeAll = async (): Promise<void> => {
    await queue.settleWaiting()
    await Promise.allSettled(reads)
    await connections.close()
  }
  return {
    async commit<Result>(
      scope: Scope,
      change: (state: LedgerState, now: number) => Change<Result>,
      when: When,
    ): Promise<Result> {
      if (closing !== undefined) throw closedError(connections.target)
      const outcome = await queue.enqueue({ scope, change }, when)
      if ('error' in outcome) throw outcome.error
      return outcome.value as Result
    },
    async read(query) {
      if (closing !== undefined) throw closedError(connections.target)
      const reading = queue.settleWaiting().then(query)
      reads.add(reading)
      try {
        return await reading
      } finally {
        reads.delete(reading)
      }
    },
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}
