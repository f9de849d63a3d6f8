import type { AuditRecord } from '../../ledger/audit-record.ts'
import { GENESIS_HASH, recordHash } from '../../ledger/audit-record.ts'
import type { Page, PageRequest, Store } from '../../ports/store.ts'
import type { ManualClock } from '../manual-clock.ts'
import type { Expectation } from '../test-runner.ts'

/** What one test of the suite works with. */
export interface Bench {
  /** A handle on data that nobody else has. */
  readonly store: Store
  /** The clock of every handle. */
  readonly clock: ManualClock
  /** Opens one more handle on the same data. */
  open(): Promise<Store>
}

/** Defines one test of the suite. */
export interface StoreTest {
  readonly expect: (actual: unknown) => Expectation
  test(name: string, run: (bench: Bench) => Promise<void>): void
}

/** Every row of a list, a page at a time. */
export async function everyRow<Row>(
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

/** The whole audit trail. */
export async function trailOf(store: Store): Promise<readonly AuditRecord[]> {
  return await everyRow((page) => store.audit(page))
}

/** The number of the first record that is not chained to the one before it; 0 if all are. */
export function firstBroken(trail: readonly AuditRecord[]): number {
  let previous: Pick<AuditRecord, 'seq' | 'at' | 'hash'> = { seq: 0, at: 0, hash: GENESIS_HASH }
  for (const record of trail) {
    const { seq, at, body, hash } = record
    const isNext = seq === previous.seq + 1 && at >= previous.at
    if (!isNext || hash !== recordHash(previous.hash, seq, at, body)) return previous.seq + 1
    previous = record
  }
  return 0
}
