import { MAX_PAGE, type Page, type PageRequest } from '../ports/store.ts'
import { type Failure, readJournalRecords, type Trail } from './journal.ts'
import type { ReplayedRow } from './replay-state.ts'

/** The rows of one kind in the store, and the same rows as their records make them. */
export interface RowSource<Row extends { readonly id: string }, Recorded> {
  readonly recorded: ReadonlyMap<string, ReplayedRow<Recorded>>
  list(page: PageRequest): Promise<Page<Row>>
  read(id: string): Promise<Row | undefined>
  /** Returns a sentence about the first difference between a row and its records. Returns undefined if none. */
  problem(row: Row, recorded: Recorded): string | undefined
  /** Returns the session that a row is archived with. */
  session?(row: Row): string
  /** Reads the record of a row that differs, where only a hash of it was kept, to name the field. */
  explain?(row: Row, recorded: Recorded): Promise<string | undefined>
}

/**
 * Compares all rows of a kind with the records, page by page. A row that the records create and the list
 * lacks is read by its id. Returns undefined if every row is right.
 */
export async function findWrongRow<Row extends { readonly id: string }, Recorded>(
  trail: Trail,
  rows: RowSource<Row, Recorded>,
): Promise<Failure | undefined> {
  const listedFrom = trail.last?.seq ?? 0
  let after: string | undefined
  do {
    const page = await rows.list({ after, limit: MAX_PAGE })
    const wrong = await verifyRows(trail, rows, page.rows)
    if (wrong) return wrong
    after = page.cursor
  } while (after !== undefined)
  for (const [id, { listed, seq }] of rows.recorded) {
    // A row that was created during the listing may be missing from it.
    if (listed || seq > listedFrom) continue
    const row = await rows.read(id)
    // The row may have been archived meanwhile: then newer records say so.
    const failed = row ? undefined : await readJournalRecords(trail)
    if (failed) return failed
    if (!rows.recorded.has(id)) continue
    if (!row) return { ok: false, reason: `${id} is in the records, and not in the ledger` }
    const wrong = await verifyRows(trail, rows, [row])
    if (wrong) return wrong
  }
  return undefined
}

/**
 * Compares rows with records that were read earlier, while payments go on. A row that differs may be newer than
 * these records: it is compared again after each further record that touches it, and fails if it never agrees.
 */
async function verifyRows<Row extends { readonly id: string }, Recorded>(
  trail: Trail,
  rows: RowSource<Row, Recorded>,
  found: readonly Row[],
): Promise<Failure | undefined> {
  const wrong = new Map<string, { readonly row: Row; readonly reason: string }>()
  const check = (row: Row): void => {
    const reason = isRowInArchive(trail, rows, row) ? undefined : findRowProblem(rows, row)
    if (reason === undefined) wrong.delete(row.id)
    else wrong.set(row.id, { row, reason })
  }
  for (const row of found) check(row)
  if (wrong.size === 0) return undefined
  const failure = await readJournalRecords(trail, (touched) => {
    for (const id of touched) {
      const differing = wrong.get(id)
      if (differing) check(differing.row)
    }
  })
  if (failure) return failure
  for (const [id, { row, reason }] of wrong) {
    const entry = rows.recorded.get(id)
    const explained = entry && (await rows.explain?.(row, entry.recorded))
    return { ok: false, reason: explained ?? reason }
  }
  return undefined
}

/** Checks whether a row belongs to an archive whose rows are being removed. */
function isRowInArchive<Row extends { readonly id: string }, Recorded>(
  { replay }: Trail,
  rows: RowSource<Row, Recorded>,
  row: Row,
): boolean {
  const archive = replay.archived.get(rows.session?.(row) ?? '')
  return archive !== undefined && replay.archives.get(archive)?.done === false
}

function findRowProblem<Row extends { readonly id: string }, Recorded>(
  { recorded, problem }: RowSource<Row, Recorded>,
  row: Row,
): string | undefined {
  const entry = recorded.get(row.id)
  if (!entry) return `${row.id} is in the ledger, and no record says why`
  entry.listed = true
  return problem(row, entry.recorded)
}
