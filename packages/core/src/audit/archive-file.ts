import type { AuditHead } from '../ledger/audit-record.ts'
import { type AuditRecord, bodyHash, GENESIS_HASH } from '../ledger/audit-record.ts'
import { MAX_PAGE, type Page, type PageRequest, type Store } from '../ports/store.ts'
import { type ArchiveTotals, everyRecord, type Families, sessionOf } from './archive-family.ts'

/** Version of the format; readers refuse others. */
export const ARCHIVE_VERSION = 1

/** One archive in the file, as its last line tells it. */
export interface ArchivedSession {
  readonly session: string
  readonly records: number
  readonly payments: number
  /** Atomic micro-units as a decimal number. */
  readonly settledMicro: string
  readonly recordsSha256: string
}

/**
 * The lines of an archive, without their line ends: what it is; the rows of its sessions, payments
 * and approvals; their records, with the hashes of all others in between, so that the chain can be
 * checked; and what all of it comes to.
 */
export async function* archiveLines(
  store: Store,
  families: Families,
  totals: ReadonlyMap<string, ArchiveTotals>,
): AsyncGenerator<string> {
  yield line({ kind: 'bursar-archive', version: ARCHIVE_VERSION, sessions: [...totals.keys()] })
  for (const id of families.keys()) {
    const { session } = await store.read({ session: id })
    if (session) yield line({ kind: 'session', row: session })
    yield* rows('payment', (page) => store.payments({ session: id }, page))
    yield* rows('approval', (page) => store.approvals({ session: id }, page))
  }
  const head = yield* chain(store, families, totals)
  const archives = [...totals].map(
    ([session, { records, payments, settledMicro, recordsSha256 }]): ArchivedSession => ({
      session,
      records,
      payments,
      settledMicro: `${settledMicro}`,
      recordsSha256,
    }),
  )
  yield line({ kind: 'end', head, archives })
}

async function* rows<Row>(
  kind: 'payment' | 'approval',
  list: (page: PageRequest) => Promise<Page<Row>>,
): AsyncGenerator<string> {
  let after: string | undefined
  do {
    const page: Page<Row> = await list({ after, limit: MAX_PAGE })
    for (const row of page.rows) yield line({ kind, row })
    after = page.cursor
  } while (after !== undefined)
}

/** From the first record that is archived to the last one; of what is not, only the hashes. */
async function* chain(
  store: Store,
  families: Families,
  totals: ReadonlyMap<string, ArchiveTotals>,
): AsyncGenerator<string, AuditHead> {
  const first = Math.min(...[...totals.values()].map((one) => one.first))
  const through = Math.max(...[...totals.values()].map((one) => one.through))
  let previous: AuditHead = { seq: 0, hash: GENESIS_HASH }
  for await (const { record, event } of everyRecord(store)) {
    const { seq, at, body, hash } = record
    if (seq > through) break
    if (seq === first) yield line({ kind: 'chain', previous })
    const root = families.get(sessionOf(event) ?? '')
    const isOwn = root !== undefined && seq <= (totals.get(root)?.through ?? 0)
    if (seq >= first) yield line(isOwn ? { seq, at, body, hash } : linkOf(record))
    previous = { seq, hash }
  }
  return previous
}

function linkOf({ seq, at, body, hash }: AuditRecord): object {
  return { seq, at, sha256: bodyHash(body), hash }
}

function line(value: object): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'bigint' ? `${part}` : part,
  )
}
