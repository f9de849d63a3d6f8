import {
  type AuditHead,
  type AuditRecord,
  GENESIS_HASH,
  recordHash,
} from '../ledger/audit-record.ts'
import { MAX_PAGE, type Store } from '../ports/store.ts'
import { foldRecord } from './replay.ts'
import { emptyFold, type Fold } from './replay-state.ts'

/** What is wrong with the trail, or with a row that it speaks of. */
export interface Failure {
  readonly ok: false
  /** The first bad record, where it is a record that is bad. */
  readonly seq?: number
  /** What is wrong; of a row, which one, and in what it is not what its records say. */
  readonly reason: string
}

/** What was read of the trail so far. */
export interface Trail {
  readonly store: Store
  /** The record that was kept elsewhere, if one was. */
  readonly head: AuditHead | undefined
  headSeen: boolean
  /** A session was archived while it was read: it has to be read again. */
  stale: boolean
  /** Cursor behind what was read. */
  after: string | undefined
  last: AuditHead | undefined
  readonly fold: Fold
}

export function newTrail(store: Store, head: AuditHead | undefined): Trail {
  const headSeen = head === undefined
  return {
    store,
    head,
    headSeen,
    stale: false,
    after: undefined,
    last: undefined,
    fold: emptyFold(),
  }
}

/**
 * Reads what the trail has by now behind what was read, and checks each link. `onRecord` is told
 * the rows that each record is about.
 */
export async function readOn(
  trail: Trail,
  onRecord?: (touched: readonly string[]) => void,
): Promise<Failure | undefined> {
  for (;;) {
    const { after } = trail
    const page = await trail.store.audit({ after, limit: MAX_PAGE })
    for (const record of page.rows) {
      const { seq, hash } = record
      const broken = linkProblem(trail.last, record) ?? headProblem(trail.head, record)
      if (broken) return { ok: false, seq, reason: broken }
      const folded = foldRecord(trail.fold, record, after)
      if ('stale' in folded) {
        trail.stale = true
        return { ok: false, seq, reason: 'its session was archived while the trail was read' }
      }
      if ('problem' in folded) return { ok: false, seq, reason: folded.problem }
      trail.last = { seq, hash }
      if (seq === trail.head?.seq) trail.headSeen = true
      onRecord?.(folded.touched())
    }
    if (page.cursor === undefined) return undefined
    trail.after = page.cursor
  }
}

function headProblem(head: AuditHead | undefined, record: AuditRecord): string | undefined {
  const differs = head !== undefined && record.seq === head.seq && record.hash !== head.hash
  return differs ? 'it is not the record that was kept as head' : undefined
}

function linkProblem(last: AuditHead | undefined, record: AuditRecord): string | undefined {
  const expected = (last?.seq ?? 0) + 1
  if (record.seq > expected) return `record ${expected} is missing before it`
  if (record.seq < expected) return `record ${expected} should stand in its place`
  const { seq, at, body } = record
  const hash = recordHash(last?.hash ?? GENESIS_HASH, seq, at, body)
  return hash === record.hash ? undefined : 'its contents and its place do not give its hash'
}
