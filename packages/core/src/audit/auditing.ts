import { z } from 'zod'
import type { AuditEvent } from '../ledger/audit-event.ts'
import type { AuditHead } from '../ledger/audit-record.ts'
import { MAX_PAGE, type Page, type PageRequest, type Store } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'
import { nameField, ownerInput, pageInput, parseInputFields } from '../primitives/fields.ts'
import { type PaymentSummary, summarizePayment } from '../views/payment-summary.ts'
import { readFamilyRecords } from './archive-family.ts'
import type { AuditListener, EventHub } from './event-hub.ts'
import { type Verification, verifyLedger } from './verify.ts'
import { type ArchiveVerification, verifyArchive } from './verify-archive.ts'

/** One audit record. */
export interface AuditEntry {
  /** The number of the record. The first record has number 1. */
  readonly seq: number
  /** The time of the record. ISO 8601, UTC. */
  readonly at: string
  /** The recorded change. */
  readonly event: AuditEvent
  /** SHA-256 over the record and the hash before it, 64 hex digits. */
  readonly hash: string
}

/** A facet for the auditor: reads, verifies and exports, and writes nothing. */
export interface Auditing {
  /** Reads records in their order. Pass the last page's cursor as `after` to go on: no record is skipped. */
  read(page?: PageRequest): Promise<Page<AuditEntry>>
  /**
   * Checks the links between records, and every row of the ledger against its records. Pass a `head` that
   * you kept elsewhere to find out whether newer records were cut off. Memory grows with the number of
   * payments.
   */
  verify(options?: { readonly head?: AuditHead | undefined }): Promise<Verification>
  /**
   * Checks the lines of an archive, with or without line ends, and that the trail recorded this very file.
   * `archives` names the sessions that were archived in the file. If archiving was interrupted, the file
   * may contain other sessions, too: these are in a later archive.
   */
  verifyArchive(lines: AsyncIterable<string> | Iterable<string>): Promise<ArchiveVerification>
  /** Exports the whole trail as JSON lines, each with its line end. */
  export(): AsyncIterable<string>
  /** Lists payments, oldest first. */
  payments(
    filter?: { readonly session?: string; readonly delegation?: string; readonly endUser?: string },
    page?: PageRequest,
  ): Promise<Page<PaymentSummary>>
  /** Returns one payment. Throws `payment_unknown` if there is none, or if it was archived. */
  payment(id: string): Promise<PaymentSummary>
  /**
   * Calls a listener with each event of this process, after the event's commit and at most once. Errors of
   * a listener are ignored. Returns the function that ends the subscription.
   */
  subscribe(listener: AuditListener): () => void
}

const headInput = z.strictObject({
  head: z
    .strictObject({
      seq: z.number().int().min(1),
      hash: z.string().regex(/^[0-9a-f]{64}$/, 'must be a hash of 64 hex digits'),
    })
    .optional(),
})

/** Creates the auditor's facet. */
/** Creates the auditor's facet. */
export function createAuditing(store: Store, hub: EventHub): Auditing {
  const read = async (given: PageRequest = {}): Promise<Page<AuditEntry>> => {
    const page = parseInputFields(pageInput, given, 'read')
    const found = await store.audit(page)
    const rows = found.rows.map(({ seq, at, body, hash }) => ({
      seq,
      at: new Date(at).toISOString(),
      event: JSON.parse(body) as AuditEvent,
      hash,
    }))
    return found.cursor === undefined ? { rows } : { rows, cursor: found.cursor }
  }
  return {
    read,
    verify: async (options = {}) =>
      verifyLedger(store, parseInputFields(headInput, options, 'verify').head),
    verifyArchive: async (lines) => confirmAuditArchive(store, await verifyArchive(lines)),
    export: () => exportAuditLines(store),
    payments: async (whose = {}, given = {}) => {
      const filter = parseInputFields(ownerInput, whose, 'payments')
      const page = parseInputFields(pageInput, given, 'payments')
      const found = await store.payments(filter, page)
      return { ...found, rows: found.rows.map(summarizePayment) }
    },
    payment: async (given) => {
      const id = parseInputFields(nameField, given, 'payment')
      const { payment } = await store.read({ payment: id })
      if (payment) return summarizePayment(payment)
      throw new BursarError('payment_unknown', `There is no payment called ${id}.`)
    },
    subscribe: (listener) => {
      if (typeof listener === 'function') return hub.subscribe(listener)
      throw new BursarError('invalid_input', 'subscribe: listener: must be a function.')
    },
  }
}

/** Checks that the trail declares the archives of a file that is consistent in itself. */
async function confirmAuditArchive(
  store: Store,
  verified: ArchiveVerification,
): Promise<ArchiveVerification> {
  if (!verified.ok) return verified
  const hashes = new Map(verified.archives.map((one) => [one.session, one.recordsSha256]))
  const found = new Set<string>()
  for await (const { event } of readFamilyRecords(store)) {
    if (event.type !== 'session-archived') continue
    const { session, recordsSha256, fileSha256 } = event
    if (fileSha256 !== verified.fileSha256) continue
    if (hashes.get(session) === recordsSha256) found.add(session)
  }
  const archives = verified.archives.filter(({ session }) => found.has(session))
  if (archives.length > 0) return { ...verified, archives }
  return { ok: false, line: 1, reason: 'the trail does not say that it was archived in this file' }
}

/** Yields each record exactly as it was hashed, so that anyone can check the links again. */
async function* exportAuditLines(store: Store): AsyncGenerator<string> {
  let after: string | undefined
  do {
    const page = await store.audit({ after, limit: MAX_PAGE })
    for (const { seq, at, body, hash } of page.rows) {
      yield `${JSON.stringify({ seq, at, body, hash })}\n`
    }
    after = page.cursor
  } while (after !== undefined)
}
