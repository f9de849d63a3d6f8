import { MAX_PAGE, type Page, type PageRequest } from '../ports/store.ts'
import { type Failure, readOn, type Trail } from './journal.ts'
import type { Entry } from './replay-state.ts'

/** The rows of one kind, and what the records say about them. */
export interface Rows<Row extends { readonly id: string }, Recorded> {
  readonly recorded: ReadonlyMap<string, Entry<Recorded>>
  list(page: PageRequest): Promise<Page<Row>>
  read(id: string): Promise<Row | undefined>
  /** In what a row is not what its records say. */
  problem(row: Row, recorded: Recorded): string | undefined
  /** The session that a row goes into an archive with. */
  session?(row: Row): string
  /** Looks up what `problem` cannot know, for a row that differs. */
  explain?(row: Row, recorded: Recorded): Promise<string | undefined>
}

/**
 * Holds all rows of a kind against the records, page by page. Only a row that the records know and
 * the list lacks is looked up by itself.
 */
export async function wrongRow<Row extends { readonly id: string }, Recorded>(
  trail: Trail,
  rows: Rows<Row, Recorded>,
): Promise<Failure | undefined> {
  const listedFrom = trail.last?.seq ?? 0
  let after: string | undefined
  do {
    const page = await rows.list({ after, limit: MAX_PAGE })
    const wrong = await wrongOf(trail, rows, page.rows)
    if (wrong) return wrong
    after = page.cursor
  } while (after !== undefined)
  for (const [id, { listed, seq }] of rows.recorded) {
    // What was made while the list was read need not be in it.
    if (listed || seq > listedFrom) continue
    const row = await rows.read(id)
    // It may have gone into an archive meanwhile: then the records say so by now.
    const failed = row ? undefined : await readOn(trail)
    if (failed) return failed
    if (!rows.recorded.has(id)) continue
    if (!row) return { ok: false, reason: `${id} is in the records, and not in the ledger` }
    const wrong = await wrongOf(trail, rows, [row])
    if (wrong) return wrong
  }
  return undefined
}

/**
 * Rows are newer than the records that were read before them, because payments go on. But what a row
 * said when it was read, the records say at some point between what was read of them and their end
 * by now. So a row that differs is held against each further record that touches it.
 */
async function wrongOf<Row extends { readonly id: string }, Recorded>(
  trail: Trail,
  rows: Rows<Row, Recorded>,
  found: readonly Row[],
): Promise<Failure | undefined> {
  const wrong = new Map<string, { readonly row: Row; readonly reason: string }>()
  const check = (row: Row): void => {
    const reason = isLeaving(trail, rows, row) ? undefined : problemOf(rows, row)
    if (reason === undefined) wrong.delete(row.id)
    else wrong.set(row.id, { row, reason })
  }
  for (const row of found) check(row)
  if (wrong.size === 0) return undefined
  const failure = await readOn(trail, (touched) => {
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

/** Whether a row is of an archive whose rows are being removed. */
function isLeaving<Row extends { readonly id: string }, Recorded>(
  { fold }: Trail,
  rows: Rows<Row, Recorded>,
  row: Row,
): boolean {
  const archive = fold.archived.get(rows.session?.(row) ?? '')
  return archive !== undefined && fold.archives.get(archive)?.done === false
}

function problemOf<Row extends { readonly id: string }, Recorded>(
  { recorded, problem }: Rows<Row, Recorded>,
  row: Row,
): string | undefined {
  const entry = recorded.get(row.id)
  if (!entry) return `${row.id} is in the ledger, and no record says why`
  entry.listed = true
  return problem(row, entry.recorded)
}
