import type { AuditEvent, EventOf } from '../ledger/audit-event.ts'
import { type AuditRecord, archiveHash, readArchivedBody } from '../ledger/audit-record.ts'
import { parseAmount } from '../money/amount.ts'
import { MAX_PAGE, type Store } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'

/** Which archive a session belongs to: the id of the session above all others, by each one's id. */
export type Families = ReadonlyMap<string, string>

/** What an archive holds, as its records add up. */
export interface ArchiveTotals {
  records: number
  /** Payments that were not released. */
  payments: number
  settledMicro: bigint
  /** The same of each merchant that was paid, by `merchantName`. */
  readonly merchants: Map<string, MerchantTotals>
  /** Number of the first and of the last record. */
  first: number
  through: number
  recordsSha256: string
}

/** What an archive holds of one merchant; also one whose payments were all released. */
export interface MerchantTotals {
  readonly host: string
  readonly payee: string
  readonly payments: number
  readonly settledMicro: bigint
}

/** Adds a record to what its archive holds. */
export function addRecord(
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
  const payments = countedBy(event)
  const settledMicro = event.type === 'payment-settled' ? (parseAmount(event.settled) ?? 0n) : 0n
  addToMerchant(before.merchants, event, payments, settledMicro)
  return {
    first: before.first,
    records: before.records + 1,
    payments: before.payments + payments,
    settledMicro: before.settledMicro + settledMicro,
    merchants: before.merchants,
    through: record.seq,
    recordsSha256: archiveHash(before.recordsSha256, record),
  }
}

function addToMerchant(
  merchants: ArchiveTotals['merchants'],
  event: AuditEvent,
  payments: number,
  settledMicro: bigint,
): void {
  if (!isMoving(event)) return
  const { host, payee } = event
  const name = merchantName(event)
  const before = merchants.get(name) ?? { host, payee, payments: 0, settledMicro: 0n }
  merchants.set(name, {
    host,
    payee,
    payments: before.payments + payments,
    settledMicro: before.settledMicro + settledMicro,
  })
}

function isMoving(
  event: AuditEvent,
): event is EventOf<'payment-reserved' | 'payment-settled' | 'payment-released'> {
  const { type } = event
  return type === 'payment-reserved' || type === 'payment-settled' || type === 'payment-released'
}

/** What a merchant is told by within an archive: hosts have no spaces. */
export function merchantName({ host, payee }: Pick<MerchantTotals, 'host' | 'payee'>): string {
  return `${host} ${payee}`
}

function countedBy(event: AuditEvent): number {
  if (event.type === 'payment-reserved') return 1
  if (event.type === 'payment-released') return -1
  return event.type === 'payment-settled' && event.overrun ? 1 : 0
}

/** The session that a record belongs to, and goes into an archive with; `undefined` if none. */
export function sessionOf(event: AuditEvent): string | undefined {
  if (isOfArchive(event)) return undefined
  return 'session' in event ? event.session : undefined
}

/** What is recorded about an archive is in none. */
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

/** The trail, record by record, as far as it goes by now. */
export async function* everyRecord(store: Store): AsyncGenerator<ReadRecord> {
  let after: string | undefined
  for (;;) {
    const page = await store.audit({ after, limit: MAX_PAGE })
    for (const record of page.rows) yield { record, event: eventOf(record) }
    if (page.cursor === undefined) return
    after = page.cursor
  }
}

function eventOf({ seq, body }: AuditRecord): AuditEvent {
  const archived = readArchivedBody(body)
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
