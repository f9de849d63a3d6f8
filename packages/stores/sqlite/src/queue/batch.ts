import { storeError } from '../database/store-error.ts'
import type { Ledger } from '../transaction/ledger.ts'
import { type Job, jobTransaction, retryTransactionWhileBusy } from './job-transaction.ts'

/** A runner of a store's jobs, in transactions that they share. */
export interface BatchRunner {
  /** Returns the number of commits that ran in the open transaction. */
  openCount(): number
  /** Runs jobs in one transaction. Unless `isDurable`, it stays open, and later jobs join it. */
  run(jobs: readonly Job[], isDurable: boolean): Promise<void>
  /** Reads at once. Throws SQLite's busy error if another connection is in the way. */
  readNow<Result>(query: () => Result): Result
}

/** Returns the batch runner of a ledger. `path` is for messages. */
export function batchRunner(ledger: Ledger, path: string, busyTotalMs: number): BatchRunner {
  const transaction = jobTransaction(ledger, path, busyTotalMs)
  const runAlone = async (job: Job): Promise<void> => {
    try {
      await transaction.begin()
      transaction.run([job], true)
    } catch (error) {
      transaction.undo()
      job.settle({ error: storeError(error, path) })
    }
  }
  const runTogether = async (jobs: readonly Job[], isDurable: boolean): Promise<void> => {
    try {
      await transaction.begin()
    } catch (error) {
      for (const job of jobs) job.settle({ error: storeError(error, path) })
      return
    }
    try {
      transaction.run(jobs, isDurable)
    } catch {
      // A write failed: every job of the transaction runs again, in one of its own.
      const undone = [...transaction.openJobs(), ...jobs]
      transaction.undo()
      for (const job of undone) await runAlone(job)
    }
  }
  /** Reads need no lock if no transaction is open. */
  const runReads = async (jobs: readonly Job[]): Promise<void> => {
    for (const job of jobs) {
      const attempt = () => readBatchConsistently(ledger, () => job.run())
      try {
        job.settle(await retryTransactionWhileBusy(attempt, path, busyTotalMs))
      } catch (error) {
        job.settle({ error: storeError(error, path) })
      }
    }
  }
  return {
    openCount: () => transaction.openJobs().length,
    readNow: (query) => (transaction.isOpen() ? query() : readBatchConsistently(ledger, query)),
    async run(jobs, isDurable) {
      const isReadOnly = jobs.length > 0 && jobs.every(({ kind }) => kind === 'read')
      if (isReadOnly && !transaction.isOpen()) await runReads(jobs)
      else await runTogether(jobs, isDurable)
    },
  }
}

/** Reads one state of the file, while other connections may write. */
function readBatchConsistently<Result>(ledger: Ledger, query: () => Result): Result {
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
