import { z } from 'zod'
import type { AuditEvent } from '../ledger/audit-event.ts'
import type { AuditHead } from '../ledger/audit-record.ts'
import { MAX_PAGE, type Page, type PageRequest, type Store } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'
import { nameField, ownerInput, pageInput, parseInput } from '../primitives/fields.ts'
import { type PaymentSummary, summaryOfPayment } from '../views/payment-summary.ts'
import { everyRecord } from './archive-family.ts'
import type { AuditHub, AuditListener } from './event-hub.ts'
import { type Verification, verifyLedger } from './verify.ts'
import { type ArchiveVerification, verifyArchive } from './verify-archive.ts'

/** One audit record as readers get it. */
export interface AuditEntry {
  readonly seq: number
  /** ISO 8601, UTC. */
  readonly at: string
  readonly event: AuditEvent
  readonly hash: string
}

/** Reads, verifies and exports. It can write nothing. */
export interface Auditing {
  /** Records in their order: the durable feed. `after` is the last page's cursor. */
  read(page?: PageRequest): Promise<Page<AuditEntry>>
  /**
   * Checks the chain, and the rows of the ledger against it; see `Verification`. Its memory grows
   * with the number of payments.
   */
  verify(options?: { readonly head?: AuditHead | undefined }): Promise<Verification>
  /**
   * Checks an archive by itself, and that the trail has it: this very file, with these records. Its
   * lines with or without their line ends. `archives` are the sessions that were archived in it; what
   * else is in a file whose archiving was interrupted, a later one has.
   */
  verifyArchive(lines: AsyncIterable<string> | Iterable<string>): Promise<ArchiveVerification>
  /** The whole trail as JSON lines, each with its line end. */
  export(): AsyncIterable<string>
  /** Payments, oldest first. */
  payments(
    filter?: { readonly session?: string; readonly delegation?: string; readonly endUser?: string },
    page?: PageRequest,
  ): Promise<Page<PaymentSummary>>
  /** One payment. Throws `payment_unknown`, also for one that was archived. */
  payment(id: string): Promise<PaymentSummary>
  /**
   * A typed event for each change: after its commit, at most once, in this process. What a listener
   * throws harms nothing. Returns the function that ends the subscription.
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

export function createAuditing(store: Store, hub: AuditHub): Auditing {
  const read = async (given: PageRequest = {}): Promise<Page<AuditEntry>> => {
    const page = parseInput(pageInput, given, 'read')
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
      verifyLedger(store, parseInput(headInput, options, 'verify').head),
    verifyArchive: async (lines) => knownArchive(store, await verifyArchive(lines)),
    export: () => exportLines(store),
    payments: async (whose = {}, given = {}) => {
      const filter = parseInput(ownerInput, whose, 'payments')
      const page = parseInput(pageInput, given, 'payments')
      const found = await store.payments(filter, page)
      return { ...found, rows: found.rows.map(summaryOfPayment) }
    },
    payment: async (given) => {
      const id = parseInput(nameField, given, 'payment')
      const { payment } = await store.read({ payment: id })
      if (payment) return summaryOfPayment(payment)
      throw new BursarError('payment_unknown', `There is no payment called ${id}.`)
    },
    subscribe: (listener) => {
      if (typeof listener === 'function') return hub.subscribe(listener)
      throw new BursarError('invalid_input', 'subscribe: listener: must be a function.')
    },
  }
}

/** An archive that is whole by itself may still be another one than was archived. */
async function knownArchive(
  store: Store,
  verified: ArchiveVerification,
): Promise<ArchiveVerification> {
  if (!verified.ok) return verified
  const hashes = new Map(verified.archives.map((one) => [one.session, one.recordsSha256]))
  const found = new Set<string>()
  for await (const { event } of everyRecord(store)) {
    if (event.type !== 'session-archived') continue
    const { session, recordsSha256, fileSha256 } = event
    if (fileSha256 !== verified.fileSha256) continue
    if (hashes.get(session) === recordsSha256) found.add(session)
  }
  const archives = verified.archives.filter(({ session }) => found.has(session))
  if (archives.length > 0) return { ...verified, archives }
  return { ok: false, line: 1, reason: 'the trail does not say that it was archived in this file' }
}

/** Each line has the record exactly as it was hashed, so that anyone can check the chain again. */
async function* exportLines(store: Store): AsyncGenerator<string> {
  let after: string | undefined
  do {
    const page = await store.audit({ after, limit: MAX_PAGE })
    for (const { seq, at, body, hash } of page.rows) {
      yield `${JSON.stringify({ seq, at, body, hash })}\n`
    }
    after = page.cursor
  } while (after !== undefined)
}
