import { setTimeout as pause } from 'node:timers/promises'
import { isBusy, lockedError, storeError } from '../database/store-error.ts'
import type { Ledger } from '../transaction/ledger.ts'

/** How long a commit or a read waits for another connection's lock before it is rejected. */
export const BUSY_TOTAL_MS = 5_000

/** First pause before the lock is tried again; each next one is twice as long, up to the last. */
const BUSY_FIRST_MS = 1
const BUSY_LAST_MS = 10

/** What waits for its turn. */
export interface Job {
  readonly kind: 'now' | 'soon' | 'read'
  /** Is called inside a transaction, and again if the transaction had to be undone. */
  run(): Outcome
  settle(outcome: Outcome): void
}

/** What a job came to. A failure in here is the job's own, and disturbs no neighbour. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** Runs jobs in transactions that they share. */
export interface Batches {
  /** Jobs that ran, and wait in the open transaction for it to become durable. */
  pending(): number
  /** Runs jobs in one transaction; not `durable`, it stays open, and later jobs join it. */
  run(jobs: readonly Job[], durable: boolean): Promise<void>
  /** Reads at once. Throws SQLite's busy error where another connection is in the way. */
  readNow<Result>(query: () => Result): Result
}

interface Ran {
  readonly job: Job
  readonly outcome: Outcome
}

export function batches(ledger: Ledger, path: string, busyTotalMs: number): Batches {
  let isOpen = false
  let open: Ran[] = []

  const begin = async (): Promise<void> => {
    if (!isOpen) await whenFree(() => ledger.begin(), path, busyTotalMs)
    isOpen = true
  }
  const undo = (): void => {
    ledger.rollback()
    isOpen = false
    open = []
  }
  /** Synchronous: nothing else happens between the first job and the commit. */
  const runOpen = (jobs: readonly Job[], durable: boolean): void => {
    const ran = jobs.map((job) => {
      // A list reads the tables: what the jobs before it have changed in memory has to be there.
      if (job.kind === 'read') ledger.flush()
      return { job, outcome: job.run() }
    })
    ledger.flush()
    if (durable) {
      ledger.commit()
      isOpen = false
    }
    const settled = durable ? [...open, ...ran] : ran.filter(({ job }) => job.kind === 'read')
    open = durable ? [] : [...open, ...ran.filter(({ job }) => job.kind !== 'read')]
    for (const { job, outcome } of settled) job.settle(outcome)
  }
  /** A write failed: everyone of the batch runs again, in a transaction of its own. */
  const runAlone = async (job: Job): Promise<void> => {
    try {
      await begin()
      runOpen([job], true)
    } catch (error) {
      undo()
      job.settle({ error: storeError(error, path) })
    }
  }
  const run = async (jobs: readonly Job[], durable: boolean): Promise<void> => {
    try {
      await begin()
    } catch (error) {
      for (const job of jobs) job.settle({ error: storeError(error, path) })
      return
    }
    try {
      runOpen(jobs, durable)
    } catch {
      const again = [...open.map(({ job }) => job), ...jobs]
      undo()
      for (const job of again) await runAlone(job)
    }
  }
  const readNow = <Result>(query: () => Result): Result =>
    isOpen ? query() : readAlone(ledger, query)
  return {
    pending: () => open.length,
    readNow,
    async run(jobs, durable) {
      const reads = !isOpen && jobs.length > 0 && jobs.every((job) => job.kind === 'read')
      if (!reads) return await run(jobs, durable)
      // Reads alone need no lock.
      for (const job of jobs) {
        try {
          const outcome = await whenFree(
            () => readAlone(ledger, () => job.run()),
            path,
            busyTotalMs,
          )
          job.settle(outcome)
        } catch (error) {
          job.settle({ error: storeError(error, path) })
        }
      }
    },
  }
}

/** One consistent state of the file, whatever other connections write meanwhile. */
function readAlone<Result>(ledger: Ledger, query: () => Result): Result {
  ledger.beginRead()
  try {
    const result = query()
    ledger.end()
    return result
  } catch (error) {
    ledger.rollback()
    throw error
  }
}

/** Tries until another connection lets go: asynchronously, so that the event loop goes on. */
async function whenFree<Result>(
  attempt: () => Result,
  path: string,
  busyTotalMs: number,
): Promise<Result> {
  let waitedMs = 0
  for (let pauseMs = BUSY_FIRST_MS; ; pauseMs = Math.min(pauseMs * 2, BUSY_LAST_MS)) {
    try {
      return attempt()
    } catch (error) {
      if (!isBusy(error)) throw error
      if (waitedMs >= busyTotalMs) throw lockedError(path, error)
    }
    await pause(pauseMs)
    waitedMs += pauseMs
  }
}
