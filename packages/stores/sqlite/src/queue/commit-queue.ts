import type { Change, LedgerState, Scope, When } from '@bursar/core'
import { assertRecorded } from '@bursar/core/store'
import { closedError, isBusyError, storeError } from '../database/store-error.ts'
import type { Ledger } from '../transaction/ledger.ts'
import { batchRunner } from './batch.ts'
import { jobQueue } from './job-queue.ts'
import type { Outcome } from './job-transaction.ts'

/** The time that a commit or a read waits for another connection's lock before it is rejected. */
const BUSY_TOTAL_MS = 5_000

/** The queue of this connection's commits, and of the reads that have to see them. */
export interface CommitQueue {
  commit<Result>(
    scope: Scope,
    change: (state: LedgerState, now: number) => Change<Result>,
    when: When,
  ): Promise<Result>
  /** Runs a read that sees every commit that was asked for before it. */
  read<Result>(query: () => Result): Promise<Result>
  /** Commits the jobs in the queue, and closes the ledger. */
  close(): Promise<void>
}

/** The parts of a store that its queue uses. */
export interface QueueOptions {
  /** The file, for messages. */
  readonly path: string
  /** Returns the time in milliseconds since the epoch. */
  readonly clock: () => number
}

/**
 * Returns the commit queue of a ledger.
 *
 * A read that finds only commits `soon` in the queue runs them and leaves their transaction open: it
 * sees them, and they still share the durable write of the next commit. Tests shorten `busyTotalMs`.
 */
export function commitQueue(
  ledger: Ledger,
  { clock, path }: QueueOptions,
  busyTotalMs: number = BUSY_TOTAL_MS,
): CommitQueue {
  const runner = batchRunner(ledger, path, busyTotalMs)
  const queue = jobQueue(runner)
  let closing: Promise<void> | undefined
  return {
    async commit(scope, change, when) {
      if (closing !== undefined) throw closedError(path)
      return await queue.enqueue(when, () => runQueuedChange(ledger, clock, scope, change))
    },
    async read(query) {
      if (closing !== undefined) throw closedError(path)
      if (queue.isIdle()) {
        try {
          return runner.readNow(query)
        } catch (error) {
          if (!isBusyError(error)) throw storeError(error, path)
        }
      }
      return await queue.enqueue('read', () => ({ value: query() }))
    },
    close() {
      closing ??= queue.drain().then(() => closeQueuedLedger(ledger, path))
      return closing
    },
  }
}

/** Runs a change on the newest state. Its own error is its outcome; an error of a write is thrown. */
function runQueuedChange<Result>(
  ledger: Ledger,
  clock: () => number,
  scope: Scope,
  change: (state: LedgerState, now: number) => Change<Result>,
): Outcome {
  const state = ledger.load(scope)
  const now = Math.max(clock(), ledger.audit.lastAt())
  let changed: Change<Result>
  try {
    changed = change(state, now)
    assertRecorded(changed)
  } catch (error) {
    return { error }
  }
  ledger.write(changed, now)
  return { value: changed.result }
}

function closeQueuedLedger(ledger: Ledger, path: string): void {
  try {
    ledger.close()
  } catch (error) {
    throw storeError(error, path)
  }
}
