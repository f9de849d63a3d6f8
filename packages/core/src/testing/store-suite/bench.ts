import type { AuditRecord } from '../../ledger/audit-record.ts'
import { GENESIS_HASH, recordHash } from '../../ledger/audit-record.ts'
import type { Page, PageRequest, Store } from '../../ports/store.ts'
import type { ManualClock } from '../manual-clock.ts'
import type { Expectation } from '../test-runner.ts'

/** The handles and the clock of one test. */
export interface Bench {
  /** A handle on data of its own. */
  readonly store: Store
  /** The clock of every handle. */
  readonly clock: ManualClock
  /** Opens one more handle on this data. */
  open(): Promise<Store>
}

/** Defines one test of the suite. */
export interface StoreTest {
  readonly expect: (actual: unknown) => Expectation
  test(name: string, run: (bench: Bench) => Promise<void>): void
}

/** Reads every row of a list, page by page. */
export async function everyRowOnBench<Row>(
  list: (page: PageRequest) => Promise<Page<Row>>,
  limit?: number,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  let after: string | undefined
  do {
    const page: Page<Row> = await list({ after, limit })
    rows.push(...page.rows)
    after = page.cursor
  } while (after !== undefined)
  return rows
}

/** Reads the whole audit trail. */
export async function benchTrailOf(store: Store): Promise<readonly AuditRecord[]> {
  return await everyRowOnBench((page) => store.audit(page))
}

/** Returns the number of the first record whose hash doesn't follow from the one before. Returns 0 if all do. */
export function firstBrokenBenchRecord(trail: readonly AuditRecord[]): number {
  let previous: Pick<AuditRecord, 'seq' | 'at' | 'hash'> = { seq: 0, at: 0, hash: GENESIS_HASH }
  for (const record of trail) {
    const { seq, at, body, hash } = record
    const isNext = seq === previous.seq + 1 && at >= previous.at
    if (!isNext || hash !== recordHash(previous.hash, seq, at, body)) return previous.seq + 1
    previous = record
  }
  return 0
}
