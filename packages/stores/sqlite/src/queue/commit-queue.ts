import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Change, LedgerState, Scope, When } from '@bursar/core'
import { assertRecorded, SOON_MS } from '@bursar/core/store'
import { closedError, isBusy, storeError } from '../database/store-error.ts'
import type { Ledger } from '../transaction/ledger.ts'
import { BUSY_TOTAL_MS, batches, type Job, type Outcome } from './batch.ts'

/** Jobs that share one transaction at most: more would keep the event loop for too long. */
export const MAX_BATCH = 128

/** One queue for everything that is written, and for the reads that have to see it. */
export interface CommitQueue {
  commit<Result>(
    scope: Scope,
    change: (state: LedgerState, now: number) => Change<Result>,
    when: When,
  ): Promise<Result>
  read<Result>(query: () => Result): Promise<Result>
  /** Makes durable what waits, and closes the ledger. */
  close(): Promise<void>
}

/** What a queue needs to know of its store. */
export interface QueueOptions {
  /** The file, for messages. */
  readonly path: string
  readonly clock: () => number
  /** How long a commit waits for another connection's lock. */
  readonly busyTotalMs?: number
}

/**
 * Whatever waits when the event loop gets here shares one transaction, in the order of its calls.
 *
 * A commit `soon` wakes nobody: it rides with the next commit `now`, or is due after `SOON_MS`. A
 * read that finds only such commits waiting runs them, and leaves their transaction open: it sees
 * them, and they still share the durable write of the next commit.
 */
export function commitQueue(ledger: Ledger, options: QueueOptions): CommitQueue {
  const { clock, path, busyTotalMs = BUSY_TOTAL_MS } = options
  const { readNow, run, pending } = batches(ledger, path, busyTotalMs)
  const waiting: Job[] = []
  let urgent = 0
  let isAwake = false
  let isDue = false
  let timer: NodeJS.Timeout | undefined
  let closing: PromiseWithResolvers<void> | undefined

  const isDemanded = (): boolean => {
    const isSome = waiting.length + pending() > 0
    return urgent > 0 || waiting.length >= MAX_BATCH || (isSome && (isDue || closing !== undefined))
  }
  const runNext = async (): Promise<void> => {
    const jobs = waiting.splice(0, MAX_BATCH)
    urgent -= jobs.filter((job) => job.kind !== 'soon').length
    const isFull = pending() + jobs.length >= MAX_BATCH
    const isNow = jobs.some((job) => job.kind === 'now')
    await run(jobs, isNow || isFull || isDue || closing !== undefined)
    if (waiting.length + pending() > 0) return
    clearTimeout(timer)
    timer = undefined
    isDue = false
  }
  const work = async (): Promise<void> => {
    while (isDemanded()) {
      await runNext()
      if (isDemanded()) await nextTurn()
    }
    isAwake = false
    if (closing) closeLedger(ledger, path, closing)
  }
  const wake = (): void => {
    if (isAwake) return
    isAwake = true
    setImmediate(() => void work())
  }
  const fallDue = (): void => {
    isDue = true
    if (isDemanded()) wake()
  }
  const enqueue = <Result>(kind: Job['kind'], runJob: () => Outcome): Promise<Result> =>
    new Promise((resolve, reject) => {
      const settle = (outcome: Outcome): void =>
        'error' in outcome ? reject(outcome.error) : resolve(outcome.value as Result)
      waiting.push({ kind, run: runJob, settle })
      if (kind !== 'soon') urgent += 1
      else timer ??= setTimeout(fallDue, SOON_MS)
      if (isDemanded()) wake()
    })
  return {
    async commit(scope, change, when) {
      if (closing) throw closedError(path)
      return await enqueue(when, () => runChange(ledger, clock, scope, change))
    },
    async read(query) {
      if (closing) throw closedError(path)
      if (!isAwake && waiting.length === 0) {
        try {
          return readNow(query)
        } catch (error) {
          if (!isBusy(error)) throw storeError(error, path)
        }
      }
      return await enqueue('read', () => ({ value: query() }))
    },
    close() {
      if (!closing) {
        closing = Promise.withResolvers()
        wake()
      }
      return closing.promise
    },
  }
}

/** Runs a change on the newest state. What it throws is its own; what a write throws is everyone's. */
function runChange<Result>(
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

function closeLedger(ledger: Ledger, path: string, closing: PromiseWithResolvers<void>): void {
  try {
    ledger.close()
    closing.resolve()
  } catch (error) {
    closing.reject(storeError(error, path))
  }
}
