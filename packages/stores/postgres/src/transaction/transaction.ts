import type { AuditRecord, Change, LedgerState, Scope } from '@bursar/core'
import { assertRecorded } from '@bursar/core/store'
import type { Client, QueryResult } from 'pg'
import { newerMigrationError } from '../database/migrate.ts'
import { SCHEMA_VERSION } from '../database/schema.ts'
import { executeStatement, sendStatementsAtOnce, type Write } from '../database/statement.ts'
import { isConflictError, isConnectionLostError, unwritableError } from '../database/store-error.ts'
import { collectAssumedInserts, collectWrites } from './collect-writes.ts'
import type { HeadCache } from './head-cache.ts'
import type { LedgerTraits, LoadPlan } from './load-plan.ts'
import { addMissingRows, type LockedRows, lockAndLoad } from './load-rows.ts'
import { RowsNotLoaded } from './row-cache.ts'
import type { TransactionRows } from './transaction-rows.ts'

/** A commit in the queue. */
export interface Job {
  readonly scope: Scope
  /** Runs on the newest state, and again if the transaction was undone. */
  readonly change: (state: LedgerState, now: number) => Change<unknown>
  settle(outcome: Outcome): void
}

/** The end of a job. An error in it belongs to this job alone, not to the others of its batch. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** The end of one attempt at a transaction. Only `done` and `unknown` may have written anything. */
export type Attempt =
  | { readonly kind: 'done'; readonly outcomes: readonly Outcome[] }
  /** The transaction has to begin again; the plan has the rows that were missing. */
  | { readonly kind: 'again'; readonly error: unknown }
  /** The database refuses the rows of one of the jobs. */
  | { readonly kind: 'refused'; readonly error: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The connection was lost before the commit. */
  | { readonly kind: 'lost'; readonly error: unknown }
  /** The connection was lost with the answer to the commit. */
  | {
      readonly kind: 'unknown'
      readonly error: unknown
      readonly last: AuditRecord
      readonly outcomes: readonly Outcome[]
    }

/** The parts of a store that an attempt uses. */
export interface TransactionOptions {
  /** The database, for messages. */
  readonly target: string
  /** A test's clock. @default the database's clock */
  readonly clock?: (() => number) | undefined
  readonly traits: LedgerTraits
  readonly cache: HeadCache
  /** Takes the database's time, in milliseconds since the epoch. */
  readonly onTime: (now: number) => void
}

/** Runs jobs in one transaction of two round trips: lock and load, then write and commit. */
export async function attemptTransaction(
  client: Client,
  jobs: readonly Job[],
  plan: LoadPlan,
  options: TransactionOptions,
): Promise<Attempt> {
  try {
    return await lockAndRunTransaction(client, jobs, plan, options)
  } catch (error) {
    if (isConnectionLostError(error)) return { kind: 'lost', error }
    const isUndone = await client.query('ROLLBACK').then(
      () => true,
      () => false,
    )
    if (!isUndone) return { kind: 'lost', error }
    return { kind: isConflictError(error) ? 'again' : 'failed', error }
  }
}

async function lockAndRunTransaction(
  client: Client,
  jobs: readonly Job[],
  plan: LoadPlan,
  { target, clock, traits, cache, onTime }: TransactionOptions,
): Promise<Attempt> {
  const locked = await lockAndLoad(client, plan, cache)
  const { rows, head } = locked
  onTime(locked.now)
  if (head.version !== SCHEMA_VERSION) throw newerMigrationError(head.version, target)
  let outcomes: readonly Outcome[]
  let writes: readonly Write[]
  try {
    outcomes = runTransactionJobs(jobs, locked, clock ?? (() => locked.now))
    writes = collectWrites(rows, head)
  } catch (error) {
    await client.query('ROLLBACK')
    if (!(error instanceof RowsNotLoaded)) return { kind: 'refused', error: unwritableError(error) }
    addMissingRows(plan, error, traits)
    return { kind: 'again', error }
  }
  const attempt = await commitTransactionWrites(client, rows, plan, { outcomes, writes })
  const last = rows.records.at(-1)
  if (attempt.kind !== 'done') cache.clear()
  else if (last) cache.keep(rows, head, last)
  return attempt
}

/**
 * Runs the jobs one after another, synchronously.
 *
 * If rows are missing, the other jobs run all the same, so that the next attempt loads all missing
 * rows together.
 */
function runTransactionJobs(
  jobs: readonly Job[],
  { rows }: LockedRows,
  clock: () => number,
): readonly Outcome[] {
  const missing: RowsNotLoaded[] = []
  const outcomes = jobs.map((job): Outcome => {
    try {
      return runTransactionJob(job, rows, clock)
    } catch (error) {
      if (!(error instanceof RowsNotLoaded)) throw error
      missing.push(error)
      return { error }
    }
  })
  if (missing.length === 0) return outcomes
  throw new RowsNotLoaded((plan) => {
    for (const { addTo } of missing) addTo(plan)
  })
}

function runTransactionJob(
  { scope, change }: Job,
  rows: TransactionRows,
  clock: () => number,
): Outcome {
  const state = rows.state(scope)
  const now = Math.max(clock(), rows.lastAt())
  let changed: Change<unknown>
  try {
    changed = change(state, now)
    assertRecorded(changed)
  } catch (error) {
    return { error }
  }
  rows.write(changed, now)
  return { value: changed.result }
}

/** Sends the writes with the commit, or ends the transaction if there is no record to write. */
async function commitTransactionWrites(
  client: Client,
  rows: TransactionRows,
  plan: LoadPlan,
  {
    outcomes,
    writes,
  }: { readonly outcomes: readonly Outcome[]; readonly writes: readonly Write[] },
): Promise<Attempt> {
  const last = rows.records.at(-1)
  if (!last) {
    await client.query('ROLLBACK')
    return { kind: 'done', outcomes }
  }
  const sent = sendStatementsAtOnce(client, () => [
    ...writes.map(({ statement, values }) => executeStatement(client, statement, values)),
    client.query('COMMIT'),
  ])
  const settled = await Promise.allSettled(sent)
  const failure = settled.find(({ status }) => status === 'rejected')
  const commit = settled.at(-1)
  // After a write that failed, COMMIT succeeds as well; its answer is `ROLLBACK` then.
  if (commit?.status === 'fulfilled') {
    if ((commit.value as QueryResult).command === 'COMMIT') return { kind: 'done', outcomes }
  } else if (isConnectionLostError(commit?.reason)) {
    return { kind: 'unknown', error: commit?.reason, last, outcomes }
  }
  const error: unknown = failure?.status === 'rejected' ? failure.reason : undefined
  // A row that was assumed to be new may be there already: it is loaded in the next attempt.
  return { kind: collectAssumedInserts(rows, plan) ? 'again' : 'refused', error }
}
