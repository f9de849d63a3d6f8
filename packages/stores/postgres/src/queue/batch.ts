import type { AuditRecord } from '@bursar/core'
import type { Connections } from '../database/connections.ts'
import { execute, pipelined } from '../database/statement.ts'
import { isLost, storeError, unknownOutcome } from '../database/store-error.ts'
import { findRecord, lockHead } from '../tables/audit-table.ts'
import { type Wanted, wantedBy } from '../transaction/load-plan.ts'
import {
  type Attempt,
  attempt,
  type Job,
  type TransactionOptions,
} from '../transaction/transaction.ts'

/**
 * How often a batch is begun: again where it needs rows that it had not loaded, where the server has
 * chosen it out of a conflict, or where its connection was lost. None of them happens again and again.
 */
const MAX_ATTEMPTS = 8

/** How often the database is asked what a commit came to, where the connection is lost meanwhile. */
const MAX_QUESTIONS = 3

/** Runs jobs in a transaction that they share, settles every one of them, and never throws. */
export type RunBatch = (jobs: readonly Job[]) => Promise<void>

export function batchRunner(
  connections: Connections,
  options: Omit<TransactionOptions, 'target'>,
): RunBatch {
  const { target } = connections
  const rejectAll = (jobs: readonly Job[], error: unknown): void => {
    for (const job of jobs) job.settle({ error })
  }
  const run = async (jobs: readonly Job[]): Promise<void> => {
    const wanted = wantedBy(
      jobs.map(({ scope }) => scope),
      options.learnt,
    )
    let last: unknown
    for (let tried = 0; tried < MAX_ATTEMPTS; tried += 1) {
      const ended = await attemptOnce(connections, jobs, wanted, { ...options, target })
      if (ended.kind === 'done') return settleAll(jobs, ended)
      last = ended.error
      if (ended.kind === 'failed') break
      if (ended.kind === 'refused') {
        if (jobs.length === 1) break
        // One of them cannot be written: each runs in a transaction of its own.
        for (const job of jobs) await run([job])
        return
      }
      if (ended.kind === 'unknown') {
        const isThere = await isCommitted(connections, ended.last)
        if (isThere === undefined) return rejectAll(jobs, unknownOutcome(last, target))
        if (isThere) return settleAll(jobs, ended)
      }
    }
    rejectAll(jobs, storeError(last, target))
  }
  return run
}

async function attemptOnce(
  connections: Connections,
  jobs: readonly Job[],
  wanted: Wanted,
  options: TransactionOptions,
): Promise<Attempt> {
  let ended: Attempt | undefined
  try {
    return await connections.write(async (client) => {
      ended = await attempt(client, jobs, wanted, options)
      // A connection that throws is not used again.
      if (ended.kind === 'lost' || ended.kind === 'unknown') throw ended.error
      return ended
    })
  } catch (error) {
    return ended ?? { kind: isLost(error) ? 'lost' : 'failed', error }
  }
}

function settleAll(
  jobs: readonly Job[],
  { outcomes }: Extract<Attempt, { readonly outcomes: unknown }>,
): void {
  jobs.forEach((job, index) => {
    job.settle(outcomes[index] ?? { error: new Error('A job has no outcome.') })
  })
}

/**
 * Whether a commit that was not answered is in the database. Whoever commits holds the head until
 * it is decided: behind that lock the record is there, or never will be. `undefined`: not known.
 */
async function isCommitted(
  connections: Connections,
  { seq, hash }: AuditRecord,
): Promise<boolean | undefined> {
  for (let tried = 0; tried < MAX_QUESTIONS; tried += 1) {
    try {
      return await connections.write(async (client) => {
        const [, , found] = await pipelined(client, () => [
          client.query('BEGIN'),
          execute(client, lockHead, []),
          execute(client, findRecord, [seq, hash]),
          client.query('ROLLBACK'),
        ])
        return found.length > 0
      })
    } catch (error) {
      if (!isLost(error)) return undefined
    }
  }
  return undefined
}
