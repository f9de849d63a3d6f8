import {
  type AuditHead,
  type AuditRecord,
  GENESIS_HASH,
  recordHash,
} from '../ledger/audit-record.ts'
import { MAX_PAGE, type Store } from '../ports/store.ts'
import { replayRecord } from './replay.ts'
import { createReplayState, type Replay } from './replay-state.ts'

/** The first fault found in the trail, or in a row that differs from its records. */
export interface Failure {
  /** Always false: the ledger did not pass. */
  readonly ok: false
  /** The number of the first bad record; absent if the fault is in a row. */
  readonly seq?: number
  /** A sentence about the fault: for a row, its id, its field and both values. */
  readonly reason: string
}

/** The state of one reading of the trail. */
export interface Trail {
  readonly store: Store
  /** The record that the caller kept elsewhere, if any. */
  readonly head: AuditHead | undefined
  headSeen: boolean
  /** Whether a session was archived during the reading: then the trail has to be read again. */
  stale: boolean
  /** The cursor behind the last page that was read. */
  after: string | undefined
  last: AuditHead | undefined
  readonly replay: Replay
}

/** Starts a reading of a store's trail, which has to contain `head` if that is given. */
export function createJournal(store: Store, head: AuditHead | undefined): Trail {
  const headSeen = head === undefined
  return {
    store,
    head,
    headSeen,
    stale: false,
    after: undefined,
    last: undefined,
    replay: createReplayState(),
  }
}

/**
 * Reads the records that were added since the last reading, and checks each link between them. Calls
 * `onRecord` with the ids of the rows that a record touches. Returns undefined if every record is right.
 */
export async function readJournalRecords(
  trail: Trail,
  onRecord?: (touched: readonly string[]) => void,
): Promise<Failure | undefined> {
  for (;;) {
    const { after } = trail
    const page = await trail.store.audit({ after, limit: MAX_PAGE })
    for (const record of page.rows) {
      const { seq, hash } = record
      const broken =
        findJournalLinkFault(trail.last, record) ?? findJournalHeadFault(trail.head, record)
      if (broken) return { ok: false, seq, reason: broken }
      const replayed = replayRecord(trail.replay, record, after)
      if ('stale' in replayed) {
        trail.stale = true
        return { ok: false, seq, reason: 'its session was archived while the trail was read' }
      }
      if ('problem' in replayed) return { ok: false, seq, reason: replayed.problem }
      trail.last = { seq, hash }
      if (seq === trail.head?.seq) trail.headSeen = true
      onRecord?.(replayed.touched())
    }
    if (page.cursor === undefined) return undefined
    trail.after = page.cursor
  }
}

function findJournalHeadFault(
  head: AuditHead | undefined,
  record: AuditRecord,
): string | undefined {
  const differs = head !== undefined && record.seq === head.seq && record.hash !== head.hash
  return differs ? 'it is not the record that was kept as head' : undefined
}

function findJournalLinkFault(
  last: AuditHead | undefined,
  record: AuditRecord,
): string | undefined {
  const expected = (last?.seq ?? 0) + 1
  if (record.seq > expected) return `record ${expected} is missing before it`
  if (record.seq < expected) return `record ${expected} should stand in its place`
  const { seq, at, body } = record
  const hash = recordHash(last?.hash ?? GENESIS_HASH, seq, at, body)
  return hash === record.hash ? undefined : 'its contents and its place do not give its hash'
}
