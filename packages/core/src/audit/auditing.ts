import { type PaymentSummary, summaryOfPayment } from '../payment-summary.ts'
import { MAX_PAGE, type Page, type PageRequest, type Store } from '../store.ts'
import type { AuditEvent } from './event.ts'
import type { AuditHub, AuditListener } from './hub.ts'
import { type AuditHead, type Verification, verify } from './verify.ts'

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
  /** Checks the chain, and the balances against it; see `Verification`. */
  verify(options?: { readonly head?: AuditHead | undefined }): Promise<Verification>
  /** The whole trail as JSON lines, each with its line end. */
  export(): AsyncIterable<string>
  /** Payments, oldest first. */
  payments(
    filter?: { readonly session?: string; readonly delegation?: string; readonly endUser?: string },
    page?: PageRequest,
  ): Promise<Page<PaymentSummary>>
  /**
   * A typed event for each change: after its commit, at most once, in this process. What a listener
   * throws harms nothing. Returns the function that ends the subscription.
   */
  subscribe(listener: AuditListener): () => void
}

export function createAuditing(store: Store, hub: AuditHub): Auditing {
  const read = async (page: PageRequest = {}): Promise<Page<AuditEntry>> => {
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
    verify: (options = {}) => verify(store, options.head),
    export: () => exportLines(store),
    payments: async (filter = {}, page = {}) => {
      const found = await store.payments(filter, page)
      return { ...found, rows: found.rows.map(summaryOfPayment) }
    },
    subscribe: (listener) => hub.subscribe(listener),
  }
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
