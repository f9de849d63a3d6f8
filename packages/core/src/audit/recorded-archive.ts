import type { EventOf } from '../ledger/audit-event.ts'
import { type AuditRecord, recordArchiveHash } from '../ledger/audit-record.ts'
import type { Delegation } from '../ledger/delegation.ts'
import { endUserAccountId } from '../ledger/end-user-account.ts'
import type { RecordedWindows } from '../ledger/recorded-usage.ts'
import { formatAmount } from '../money/amount.ts'
import type { MerchantUsage, Usage } from '../money/limits.ts'
import { archivedMerchantName } from './archive-family.ts'
import {
  type ArchiveEntry,
  impossibleEvent,
  parseReplayedMicro,
  type Replay,
  type ReplayedRow,
} from './replay-state.ts'

function parseRecordedArchiveWindows(recorded: RecordedWindows): Usage['windows'] {
  return recorded.map((buckets) =>
    buckets.map(({ index, amount, payments }) => ({
      index,
      amountMicro: parseReplayedMicro(amount),
      payments,
    })),
  )
}

/** Replays a record whose body was archived. Returns false if the replay has read its session with bodies before. */
export function replayArchivedRecord(
  replay: Replay,
  { session, archive }: EventOf<'record-archived'>,
  record: AuditRecord,
): boolean {
  if (replay.sessions.has(session)) return false
  const entry = replay.archives.get(archive) ?? createArchive(true)
  replay.archives.set(archive, entry)
  replay.archived.set(session, archive)
  countRecord(entry, record)
  entry.marks.splice(0, entry.marks.length, createArchiveMark(entry, record))
  return true
}

/** Replays a record left over from an interrupted archive: the session's earlier records are archived already. */
export function replayRemainingRecord(replay: Replay, archive: string, record: AuditRecord): void {
  const entry = replay.archives.get(archive)
  // Records after the declaration belong to no archive.
  if (!entry || entry.declared) return
  countRecord(entry, record)
  entry.marks.push(createArchiveMark(entry, record))
}

function createArchive(isPruned: boolean): ArchiveEntry {
  const merchants = new Set<string>()
  return { isPruned, records: 0, sha256: '', marks: [], merchants, declared: false, done: false }
}

function countRecord(entry: ArchiveEntry, record: AuditRecord): void {
  entry.records += 1
  entry.sha256 = recordArchiveHash(entry.sha256, record)
}

function createArchiveMark(
  { records, sha256 }: ArchiveEntry,
  { seq }: AuditRecord,
): ArchiveEntry['marks'][0] {
  return { seq, records, sha256 }
}

/**
 * Replays the record that declares an archive. Throws `invariant_broken` if the declaration disagrees with rows
 * that were replayed. Sums of rows that are gone are taken from the declaration and added to the delegation,
 * whose row then shows whether they are right.
 */
export function declareRecordedArchive(
  replay: Replay,
  event: EventOf<'session-archived'>,
  delegation: ReplayedRow<Delegation>,
): void {
  const { session, through } = event
  const entry = replay.archives.get(session) ?? createArchive(false)
  if (entry.declared) throw impossibleEvent(`${session} was archived before`)
  if (entry.isPruned) {
    const mark = entry.marks.findLast(({ seq }) => seq <= through)
    if (mark?.records !== event.records || mark.sha256 !== event.recordsSha256) {
      throw impossibleEvent(`the archived records of ${session} are not those that were archived`)
    }
  } else {
    removeArchivedFamily(replay, session, event)
  }
  const { usage } = delegation.recorded
  const gone = entry.isPruned ? event : nothingGone
  delegation.recorded = {
    ...delegation.recorded,
    usage: addToArchivedUsage(usage, gone, event.delegationWindows),
  }
  const endUser = replay.endUsers.get(endUserAccountId(event.endUser))
  if (endUser && event.endUserWindows) {
    const { recorded } = endUser
    endUser.recorded = {
      ...recorded,
      usage: addToArchivedUsage(recorded.usage, gone, event.endUserWindows),
    }
  }
  replay.archives.set(session, { ...entry, marks: [], declared: true })
}

/**
 * Replays the record of an archive's sums at one merchant. A second record for one merchant, written by a call
 * that resumed the archive, adds nothing.
 */
export function declareRecordedArchiveMerchant(
  replay: Replay,
  event: EventOf<'merchant-archived'>,
  ensureMerchantUsage: (account: string) => ReplayedRow<MerchantUsage>,
): void {
  const { session, delegation, endUser, delegationWindows, endUserWindows } = event
  const entry = requireRecordedArchive(replay, session)
  const name = archivedMerchantName(event)
  const gone = entry.isPruned && !entry.merchants.has(name) ? event : nothingGone
  entry.merchants.add(name)
  const addUsage = (account: string, windows: RecordedWindows | undefined): void => {
    if (!windows) return
    const found = ensureMerchantUsage(account)
    const { recorded } = found
    found.recorded = { ...recorded, usage: addToArchivedUsage(recorded.usage, gone, windows) }
  }
  addUsage(delegation, delegationWindows)
  addUsage(endUserAccountId(endUser), endUserWindows)
}

/** Replays a removal of an archive's rows. `done` marks the last one. */
export function replayArchiveRemoval(
  replay: Replay,
  { session, done }: EventOf<'session-removed'>,
): void {
  requireRecordedArchive(replay, session).done ||= done
}

function requireRecordedArchive({ archives }: Replay, session: string): ArchiveEntry {
  const entry = archives.get(session)
  if (entry?.declared) return entry
  throw impossibleEvent(`${session} is in no archive`)
}

/** The sums of archived records that the replay has not read. */
type Gone = Pick<EventOf<'session-archived'>, 'settled' | 'payments'>

const nothingGone: Gone = { settled: formatAmount(0n), payments: 0 }

function addToArchivedUsage(
  usage: Usage,
  { settled, payments }: Gone,
  windows: RecordedWindows,
): Usage {
  return {
    ...usage,
    settledMicro: usage.settledMicro + parseReplayedMicro(settled),
    payments: usage.payments + payments,
    windows: parseRecordedArchiveWindows(windows),
  }
}

/** Removes a session, and all sessions below it, from the replay. Throws `invariant_broken` if the sums disagree. */
function removeArchivedFamily(
  replay: Replay,
  root: string,
  event: EventOf<'session-archived'>,
): void {
  const usage = replay.sessions.get(root)?.recorded.usage
  if (usage?.heldMicro !== 0n) throw impossibleEvent(`${root} can not be archived yet`)
  const isRight =
    usage.settledMicro === parseReplayedMicro(event.settled) && usage.payments === event.payments
  if (!isRight) throw impossibleEvent(`the payments of ${root} are not those that were archived`)
  replay.archived.set(root, root)
  // Parents come before their children.
  for (const [id, { recorded }] of replay.sessions) {
    if (recorded.parent !== undefined && replay.archived.get(recorded.parent) === root) {
      replay.archived.set(id, root)
    }
  }
  for (const rows of [replay.payments, replay.approvals]) {
    for (const [id, { recorded }] of rows) {
      if (replay.archived.get(recorded.session) === root) rows.delete(id)
    }
  }
  for (const [id, { recorded }] of replay.merchantUsages) {
    if (replay.archived.get(recorded.account) === root) replay.merchantUsages.delete(id)
  }
  for (const id of replay.sessions.keys())
    if (replay.archived.get(id) === root) replay.sessions.delete(id)
}
