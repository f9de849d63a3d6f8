import { setTimeout as delay } from 'node:timers/promises'
import { isBusyError, lockedError } from '../database/store-error.ts'
import type { Ledger } from '../transaction/ledger.ts'

/** The first pause before the lock is tried again. Each next pause doubles, up to the longest. */
const BUSY_FIRST_MS = 1
const BUSY_LONGEST_MS = 10

/** A commit or a read in the queue. */
export interface Job {
  readonly kind: 'now' | 'soon' | 'read'
  /** Runs inside a transaction, and again if the transaction was undone. */
  run(): Outcome
  settle(outcome: Outcome): void
}

/** The end of a job. An error in it belongs to this job alone, not to the others of its batch. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** A transaction that may stay open, so that later jobs share its durable write. */
export interface JobTransaction {
  isOpen(): boolean
  /** Lists the commits that ran in the open transaction, and are settled when it is durable. */
  openJobs(): readonly Job[]
  /** Begins, unless it is open. Rejects with `store_locked` if another connection keeps the lock. */
  begin(): Promise<void>
  /** Runs jobs, and settles the reads among them; if `isDurable`, commits and settles every job. */
  run(jobs: readonly Job[], isDurable: boolean): void
  undo(): void
}

interface JobResult {
  readonly job: Job
  readonly outcome: Outcome
}

/** Returns the transaction that the jobs of a ledger share, which is not open yet. */
export function jobTransaction(ledger: Ledger, path: string, busyTotalMs: number): JobTransaction {
  let isOpen = false
  let open: readonly JobResult[] = []
  return {
    isOpen: () => isOpen,
    openJobs: () => open.map(({ job }) => job),
    async begin() {
      if (!isOpen) await retryTransactionWhileBusy(() => ledger.begin(), path, busyTotalMs)
      isOpen = true
    },
    // Synchronous: no other transaction is possible between the first job and the commit.
    run(jobs, isDurable) {
      const results = jobs.map((job) => {
        // A list reads the tables, so the updates of earlier jobs have to be written first.
        if (job.kind === 'read') ledger.flush()
        return { job, outcome: job.run() }
      })
      ledger.flush()
      if (isDurable) {
        ledger.commit()
        isOpen = false
      }
      const reads = results.filter(({ job }) => job.kind === 'read')
      const commits = results.filter(({ job }) => job.kind !== 'read')
      const settled = isDurable ? [...open, ...results] : reads
      open = isDurable ? [] : [...open, ...commits]
      for (const { job, outcome } of settled) job.settle(outcome)
    },
    undo() {
      ledger.rollback()
      isOpen = false
      open = []
    },
  }
}

/** Tries again until another connection gives its lock back, without blocking the event loop. */
export async function retryTransactionWhileBusy<Result>(
  attempt: () => Result,
  path: string,
  busyTotalMs: number,
): Promise<Result> {
  let waitedMs = 0
  for (let pauseMs = BUSY_FIRST_MS; ; pauseMs = Math.min(pauseMs * 2, BUSY_LONGEST_MS)) {
    try {
      return attempt()
    } catch (error) {
      if (!isBusyError(error)) throw error
      if (waitedMs >= busyTotalMs) throw lockedError(path, error)
    }
    await delay(pauseMs)
    waitedMs += pauseMs
  }
}
