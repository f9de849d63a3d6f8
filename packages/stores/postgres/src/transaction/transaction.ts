import {
  type AuditRecord,
  BursarError,
  type Change,
  type LedgerState,
  type Scope,
} from '@bursar/core'
import type { Client, QueryResult } from 'pg'
import { newerSchema } from '../database/migrate.ts'
import { SCHEMA_VERSION } from '../database/schema.ts'
import { corked } from '../database/statement.ts'
import { isConflict, isLost, unwritable } from '../database/store-error.ts'
import { flush, type Write, wantTakenForNew, writesOf } from './flush.ts'
import { beginLocked, type Locked } from './load.ts'
import type { Learnt, Wanted } from './load-plan.ts'
import { RowsNotLoaded } from './row-cache.ts'
import type { KnownRows } from './row-cache-head.ts'
import type { TransactionRows } from './transaction-rows.ts'

/** A commit that waits for its turn. */
export interface Job {
  readonly scope: Scope
  /** Is called on the newest state, and again if the transaction had to be undone. */
  readonly change: (state: LedgerState, now: number) => Change<unknown>
  settle(outcome: Outcome): void
}

/** What a job came to. A failure in here is the job's own, and disturbs no neighbour. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** How one attempt at a transaction ended. Only `done` and `unknown` may have written anything. */
export type Attempt =
  | { readonly kind: 'done'; readonly outcomes: readonly Outcome[] }
  /** To be begun again; what was missing is wanted now. */
  | { readonly kind: 'again'; readonly error: unknown }
  /** What one of the jobs wants cannot be written. */
  | { readonly kind: 'refused'; readonly error: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The connection is gone, before anything was committed. */
  | { readonly kind: 'lost'; readonly error: unknown }
  /** The connection is gone, and with it the answer to the commit. */
  | {
      readonly kind: 'unknown'
      readonly error: unknown
      readonly last: AuditRecord
      readonly outcomes: readonly Outcome[]
    }

/** What an attempt needs to know of its store. */
export interface TransactionOptions {
  /** The database, for messages. */
  readonly target: string
  /** A test's clock; without it, time is the database's. */
  readonly clock?: (() => number) | undefined
  readonly learnt: Learnt
  readonly known: KnownRows
  /** Is told the database's time. */
  readonly onTime: (now: number) => void
}

/** Runs jobs in one transaction: two round trips, one to lock and load, one to write and commit. */
export async function attempt(
  client: Client,
  jobs: readonly Job[],
  wanted: Wanted,
  options: TransactionOptions,
): Promise<Attempt> {
  try {
    return await lockAndRun(client, jobs, wanted, options)
  } catch (error) {
    if (isLost(error)) return { kind: 'lost', error }
    const isUndone = await client.query('ROLLBACK').then(
      () => true,
      () => false,
    )
    if (!isUndone) return { kind: 'lost', error }
    return { kind: isConflict(error) ? 'again' : 'failed', error }
  }
}

async function lockAndRun(
  client: Client,
  jobs: readonly Job[],
  wanted: Wanted,
  { target, clock, learnt, known, onTime }: TransactionOptions,
): Promise<Attempt> {
  const locked = await beginLocked(client, wanted, known)
  onTime(locked.now)
  if (locked.head.version !== SCHEMA_VERSION) throw newerSchema(locked.head.version, target)
  let outcomes: readonly Outcome[]
  let writes: readonly Write[]
  try {
    outcomes = runJobs(jobs, locked, clock ?? (() => locked.now))
    writes = writesOf(locked.rows, locked.head)
  } catch (error) {
    await client.query('ROLLBACK')
    if (!(error instanceof RowsNotLoaded)) return { kind: 'refused', error: unwritable(error) }
    error.want(wanted)
    learnt.perMerchant ||= wanted.usages.size > 0
    return { kind: 'again', error }
  }
  const ended = await commitAll(client, locked, wanted, { outcomes, writes })
  const last = locked.rows.records.at(-1)
  if (ended.kind !== 'done') known.forget()
  else if (last) known.learn(locked.rows, locked.head, last)
  return ended
}

/**
 * Everything between the first job and the last one is synchronous. Where rows are missing, the other
 * jobs run all the same: whatever any of them misses is loaded together, before the next attempt.
 */
function runJobs(jobs: readonly Job[], { rows }: Locked, clock: () => number): readonly Outcome[] {
  const missing: RowsNotLoaded[] = []
  const outcomes = jobs.map((job): Outcome => {
    try {
      return runJob(job, rows, clock)
    } catch (error) {
      if (!(error instanceof RowsNotLoaded)) throw error
      missing.push(error)
      return { error }
    }
  })
  if (missing.length === 0) return outcomes
  throw new RowsNotLoaded((wanted) => {
    for (const { want } of missing) want(wanted)
  })
}

function runJob({ scope, change }: Job, rows: TransactionRows, clock: () => number): Outcome {
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

/** Each change has its record in the same commit. */
function assertRecorded({ result: _result, events, ...rows }: Change<unknown>): void {
  const { removed, ...written } = rows
  const all = [...Object.values(written), ...Object.values(removed ?? {})]
  if (events.length > 0 || all.every((some) => !some?.length)) return
  throw new BursarError('invariant_broken', 'A change writes rows without an audit record.')
}

/** What wrote nothing only gives its locks back. */
async function commitAll(
  client: Client,
  { rows }: Locked,
  wanted: Wanted,
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
  const sent = corked(client, () => [...flush(client, writes), client.query('COMMIT')])
  const settled = await Promise.allSettled(sent)
  const failure = settled.find((one) => one.status === 'rejected')
  const end = settled.at(-1)
  // After a write that failed, COMMIT succeeds as well; its answer is then `ROLLBACK`.
  if (end?.status === 'fulfilled') {
    if ((end.value as QueryResult).command === 'COMMIT') return { kind: 'done', outcomes }
  } else if (isLost(end?.reason)) {
    return { kind: 'unknown', error: end?.reason, last, outcomes }
  }
  const error: unknown = failure?.reason
  // A row may have been in the way of one that was taken for new: it is loaded next time.
  return { kind: wantTakenForNew(rows, wanted) ? 'again' : 'refused', error }
}
