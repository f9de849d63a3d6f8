import type { AuditRecord } from '@bursar/core'
import type { Connections } from '../database/connections.ts'
import { runStatementPipeline } from '../database/statement.ts'
import { isConnectionLostError, storeError, unknownOutcomeError } from '../database/store-error.ts'
import { hasAuditRecord, lockAuditHead } from '../tables/audit-table.ts'
import { type LoadPlan, planLoad } from '../transaction/load-plan.ts'
import {
  type Attempt,
  attemptTransaction,
  type Job,
  type TransactionOptions,
} from '../transaction/transaction.ts'

/**
 * The most attempts at one batch. A retry follows if rows were not loaded, if the server undid the
 * batch in a conflict, or if the connection was lost.
 */
const MAX_ATTEMPTS = 8

/**
 * The number of attempts to check whether a commit is in the database after its connection was
 * lost.
 */
const MAX_QUESTIONS = 3

/** Runs jobs in a transaction that they share, and settles each of them. Never throws. */
export type RunBatch = (jobs: readonly Job[]) => Promise<void>

/** Returns the function that runs the batches of a store. */
export function batchRunner(
  connections: Connections,
  options: Omit<TransactionOptions, 'target'>,
): RunBatch {
  const { target } = connections
  const runBatch = async (jobs: readonly Job[]): Promise<void> => {
    const scopes = jobs.map(({ scope }) => scope)
    const plan = planLoad(scopes, options.traits)
    let lastError: unknown
    for (let tried = 0; tried < MAX_ATTEMPTS; tried += 1) {
      const attempt = await attemptBatch(connections, jobs, plan, { ...options, target })
      if (attempt.kind === 'done') return settleBatchJobs(jobs, attempt.outcomes)
      lastError = attempt.error
      if (attempt.kind === 'failed') break
      if (attempt.kind === 'refused') {
        if (jobs.length === 1) break
        // The database refuses one of the jobs: each runs in a transaction of its own.
        for (const job of jobs) await runBatch([job])
        return
      }
      if (attempt.kind === 'unknown') {
        const isThere = await isBatchCommitted(connections, attempt.last)
        if (isThere === undefined)
          return rejectBatchJobs(jobs, unknownOutcomeError(lastError, target))
        if (isThere) return settleBatchJobs(jobs, attempt.outcomes)
      }
    }
    rejectBatchJobs(jobs, storeError(lastError, target))
  }
  return runBatch
}

async function attemptBatch(
  connections: Connections,
  jobs: readonly Job[],
  plan: LoadPlan,
  options: TransactionOptions,
): Promise<Attempt> {
  let attempt: Attempt | undefined
  try {
    return await connections.write(async (client) => {
      attempt = await attemptTransaction(client, jobs, plan, options)
      // A connection whose use throws is not used again.
      if (attempt.kind === 'lost' || attempt.kind === 'unknown') throw attempt.error
      return attempt
    })
  } catch (error) {
    return attempt ?? { kind: isConnectionLostError(error) ? 'lost' : 'failed', error }
  }
}

function settleBatchJobs(
  jobs: readonly Job[],
  outcomes: Extract<Attempt, { kind: 'done' }>['outcomes'],
): void {
  jobs.forEach((job, index) => {
    job.settle(outcomes[index] ?? { error: new Error('A job has no outcome.') })
  })
}

function rejectBatchJobs(jobs: readonly Job[], error: unknown): void {
  for (const job of jobs) job.settle({ error })
}

/**
 * Checks whether a commit whose answer was lost is in the database. Returns undefined if the database
 * could not be asked.
 *
 * A transaction holds the head until its commit is decided. So behind that lock its record is either
 * there, or will never be.
 */
async function isBatchCommitted(
  connections: Connections,
  last: AuditRecord,
): Promise<boolean | undefined> {
  for (let tried = 0; tried < MAX_QUESTIONS; tried += 1) {
    try {
      return await connections.write(async (client) => {
        const [, , isThere] = await runStatementPipeline(client, () => [
          client.query('BEGIN'),
          lockAuditHead(client),
          hasAuditRecord(client, last),
          client.query('ROLLBACK'),
        ])
        return isThere
      })
    } catch (error) {
      if (!isConnectionLostError(error)) return undefined
    }
  }
  return undefined
}
