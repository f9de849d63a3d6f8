import type { AuditEvent, EventOf } from '../ledger/audit-event.ts'
import {
  type AuditRecord,
  readArchivedRecordBody,
  recordArchiveHash,
} from '../ledger/audit-record.ts'
import { parseAmount } from '../money/amount.ts'
import { MAX_PAGE, type Store } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'

/** The id of the root session, and so of the archive, of each session by its id. */
export type Families = ReadonlyMap<string, string>

/** The sums over the records of one archive. */
export interface ArchiveTotals {
  records: number
  /** The number of payments that were not released. */
  payments: number
  settledMicro: bigint
  /** The sums of each merchant that was paid, by `archivedMerchantName`. */
  readonly merchants: Map<string, MerchantTotals>
  /** The numbers of the first and of the last record. */
  first: number
  through: number
  recordsSha256: string
}

/** The sums of one merchant in an archive. A merchant whose payments were all released has zeros. */
export interface MerchantTotals {
  readonly host: string
  readonly payee: string
  readonly payments: number
  readonly settledMicro: bigint
}

/** Returns the totals of an archive with one more record; creates the totals if undefined. */
export function addFamilyRecord(
  totals: ArchiveTotals | undefined,
  record: Pick<AuditRecord, 'seq' | 'hash'>,
  event: AuditEvent,
): ArchiveTotals {
  const before = totals ?? {
    records: 0,
    payments: 0,
    settledMicro: 0n,
    merchants: new Map(),
    first: record.seq,
    through: 0,
    recordsSha256: '',
  }
  const payments = countArchivedPayments(event)
  const settledMicro = event.type === 'payment-settled' ? (parseAmount(event.settled) ?? 0n) : 0n
  addArchivedMerchants(before.merchants, event, payments, settledMicro)
  return {
    first: before.first,
    records: before.records + 1,
    payments: before.payments + payments,
    settledMicro: before.settledMicro + settledMicro,
    merchants: before.merchants,
    through: record.seq,
    recordsSha256: recordArchiveHash(before.recordsSha256, record),
  }
}

function addArchivedMerchants(
  merchants: ArchiveTotals['merchants'],
  event: AuditEvent,
  payments: number,
  settledMicro: bigint,
): void {
  if (!isMovedByArchive(event)) return
  const { host, payee } = event
  const name = archivedMerchantName(event)
  const before = merchants.get(name) ?? { host, payee, payments: 0, settledMicro: 0n }
  merchants.set(name, {
    host,
    payee,
    payments: before.payments + payments,
    settledMicro: before.settledMicro + settledMicro,
  })
}

function isMovedByArchive(
  event: AuditEvent,
): event is EventOf<'payment-reserved' | 'payment-settled' | 'payment-released'> {
  const { type } = event
  return type === 'payment-reserved' || type === 'payment-settled' || type === 'payment-released'
}

/** Returns the key of a merchant within an archive. Hosts contain no spaces. */
export function archivedMerchantName({
  host,
  payee,
}: Pick<MerchantTotals, 'host' | 'payee'>): string {
  return `${host} ${payee}`
}

function countArchivedPayments(event: AuditEvent): number {
  if (event.type === 'payment-reserved') return 1
  if (event.type === 'payment-released') return -1
  return event.type === 'payment-settled' && event.overrun ? 1 : 0
}

/** Returns the session that a record is archived with. Returns undefined if the record is never archived. */
export function findArchivedSession(event: AuditEvent): string | undefined {
  if (isOfArchive(event)) return undefined
  return 'session' in event ? event.session : undefined
}

/** Checks whether a record is about an archive. Such a record is never archived itself. */
function isOfArchive({ type }: AuditEvent): boolean {
  return (
    type === 'session-archived' ||
    type === 'merchant-archived' ||
    type === 'session-removed' ||
    type === 'archived-payment-settled'
  )
}

/** A record with its event. */
export interface ReadRecord {
  readonly record: AuditRecord
  readonly event: AuditEvent
}

/** Yields the records of the trail from the first to the one that is last when it is reached. */
export async function* readFamilyRecords(store: Store): AsyncGenerator<ReadRecord> {
  let after: string | undefined
  for (;;) {
    const page = await store.audit({ after, limit: MAX_PAGE })
    for (const record of page.rows) yield { record, event: parseArchivedEvent(record) }
    if (page.cursor === undefined) return
    after = page.cursor
  }
}

function parseArchivedEvent({ seq, body }: AuditRecord): AuditEvent {
  const archived = readArchivedRecordBody(body)
  if (archived) return { type: 'record-archived', ...archived }
  try {
    return JSON.parse(body) as AuditEvent
  } catch {
    throw new BursarError(
      'audit_invalid',
      `The body of record ${seq} is no event. Verify the trail.`,
    )
  }
}
