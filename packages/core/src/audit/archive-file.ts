import type { AuditHead } from '../ledger/audit-record.ts'
import { type AuditRecord, GENESIS_HASH, recordBodyHash } from '../ledger/audit-record.ts'
import { MAX_PAGE, type Page, type PageRequest, type Store } from '../ports/store.ts'
import {
  type ArchiveTotals,
  type Families,
  findArchivedSession,
  readFamilyRecords,
} from './archive-family.ts'

/** The version of the format. A reader refuses every other version. */
export const ARCHIVE_VERSION = 1

/** One archive in a file, as the file's last line sums it up. */
export interface ArchivedSession {
  /** The id of the session that was archived with all sessions below it. */
  readonly session: string
  /** The number of audit records in the archive. */
  readonly records: number
  /** The number of payments that were not released. */
  readonly payments: number
  /** The settled sum in micro-units of the delegation's currency, as a decimal number. */
  readonly settledMicro: string
  /** SHA-256 over the hashes of the records, in their order. */
  readonly recordsSha256: string
}

/**
 * Yields the lines of an archive, without their line ends: the format and version, the rows of its sessions,
 * payments and approvals, their records, and the totals. Records of other sessions in between are given as
 * hashes, so that the links between records can be checked.
 */
export async function* createArchiveLines(
  store: Store,
  families: Families,
  totals: ReadonlyMap<string, ArchiveTotals>,
): AsyncGenerator<string> {
  yield formatArchiveLine({
    kind: 'bursar-archive',
    version: ARCHIVE_VERSION,
    sessions: [...totals.keys()],
  })
  for (const id of families.keys()) {
    const { session } = await store.read({ session: id })
    if (session) yield formatArchiveLine({ kind: 'session', row: session })
    yield* createArchivedRowLines('payment', (page) => store.payments({ session: id }, page))
    yield* createArchivedRowLines('approval', (page) => store.approvals({ session: id }, page))
  }
  const head = yield* createArchivedRecordLines(store, families, totals)
  const archives = [...totals].map(
    ([session, { records, payments, settledMicro, recordsSha256 }]): ArchivedSession => ({
      session,
      records,
      payments,
      settledMicro: `${settledMicro}`,
      recordsSha256,
    }),
  )
  yield formatArchiveLine({ kind: 'end', head, archives })
}

async function* createArchivedRowLines<Row>(
  kind: 'payment' | 'approval',
  list: (page: PageRequest) => Promise<Page<Row>>,
): AsyncGenerator<string> {
  let after: string | undefined
  do {
    const page: Page<Row> = await list({ after, limit: MAX_PAGE })
    for (const row of page.rows) yield formatArchiveLine({ kind, row })
    after = page.cursor
  } while (after !== undefined)
}

/** Yields the records from the first archived one to the last. Of records that are not archived, yields the hashes. */
async function* createArchivedRecordLines(
  store: Store,
  families: Families,
  totals: ReadonlyMap<string, ArchiveTotals>,
): AsyncGenerator<string, AuditHead> {
  const first = Math.min(...[...totals.values()].map((one) => one.first))
  const through = Math.max(...[...totals.values()].map((one) => one.through))
  let previous: AuditHead = { seq: 0, hash: GENESIS_HASH }
  for await (const { record, event } of readFamilyRecords(store)) {
    const { seq, at, body, hash } = record
    if (seq > through) break
    if (seq === first) yield formatArchiveLine({ kind: 'chain', previous })
    const root = families.get(findArchivedSession(event) ?? '')
    const isOwn = root !== undefined && seq <= (totals.get(root)?.through ?? 0)
    if (seq >= first)
      yield formatArchiveLine(isOwn ? { seq, at, body, hash } : formatArchivedLink(record))
    previous = { seq, hash }
  }
  return previous
}

function formatArchivedLink({ seq, at, body, hash }: AuditRecord): object {
  return { seq, at, sha256: recordBodyHash(body), hash }
}

function formatArchiveLine(value: object): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'bigint' ? `${part}` : part,
  )
}
