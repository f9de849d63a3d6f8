import type { EventOf } from '../ledger/audit-event.ts'
import { type AuditRecord, archiveHash } from '../ledger/audit-record.ts'
import type { Delegation } from '../ledger/delegation.ts'
import { endUserAccountId } from '../ledger/end-user-account.ts'
import type { RecordedWindows } from '../ledger/recorded-usage.ts'
import { formatAmount } from '../money/amount.ts'
import type { MerchantUsage, Usage } from '../money/limits.ts'
import { merchantName } from './archive-family.ts'
import { impossibleEvent, recordedMicro } from './impossible-event.ts'
import type { ArchiveEntry, Entry, Fold } from './replay-state.ts'

function windowsOf(recorded: RecordedWindows): Usage['windows'] {
  return recorded.map((buckets) =>
    buckets.map(({ index, amount, payments }) => ({
      index,
      amountMicro: recordedMicro(amount),
      payments,
    })),
  )
}

/** A record whose body is gone. Answers false where the fold has read its session in full before. */
export function meetArchived(
  fold: Fold,
  { session, archive }: EventOf<'record-archived'>,
  record: AuditRecord,
): boolean {
  if (fold.sessions.has(session)) return false
  const entry = fold.archives.get(archive) ?? newArchive(true)
  fold.archives.set(archive, entry)
  fold.archived.set(session, archive)
  count(entry, record)
  entry.marks.splice(0, entry.marks.length, markOf(entry, record))
  return true
}

/** A record that still has its body, of a session whose others are gone: it goes next. */
export function meetRemaining(fold: Fold, archive: string, record: AuditRecord): void {
  const entry = fold.archives.get(archive)
  // What is recorded after the archive was declared is in none.
  if (!entry || entry.declared) return
  count(entry, record)
  entry.marks.push(markOf(entry, record))
}

function newArchive(isPruned: boolean): ArchiveEntry {
  const merchants = new Set<string>()
  return { isPruned, records: 0, sha256: '', marks: [], merchants, declared: false, done: false }
}

function count(entry: ArchiveEntry, record: AuditRecord): void {
  entry.records += 1
  entry.sha256 = archiveHash(entry.sha256, record)
}

function markOf({ records, sha256 }: ArchiveEntry, { seq }: AuditRecord): ArchiveEntry['marks'][0] {
  return { seq, records, sha256 }
}

/**
 * The record that says what was archived. What the fold has of it, it has to agree with. What is gone
 * is counted in the delegation as this record says; whether that is right, the delegation's row shows.
 */
export function declareArchive(
  fold: Fold,
  event: EventOf<'session-archived'>,
  delegation: Entry<Delegation>,
): void {
  const { session, through } = event
  const entry = fold.archives.get(session) ?? newArchive(false)
  if (entry.declared) throw impossibleEvent(`${session} was archived before`)
  if (entry.isPruned) {
    const mark = entry.marks.findLast(({ seq }) => seq <= through)
    if (mark?.records !== event.records || mark.sha256 !== event.recordsSha256) {
      throw impossibleEvent(`the archived records of ${session} are not those that were archived`)
    }
  } else {
    removeFamily(fold, session, event)
  }
  const { usage } = delegation.recorded
  const gone = entry.isPruned ? event : nothingGone
  delegation.recorded = {
    ...delegation.recorded,
    usage: usageWith(usage, gone, event.delegationWindows),
  }
  const endUser = fold.endUsers.get(endUserAccountId(event.endUser))
  if (endUser && event.endUserWindows) {
    const { recorded } = endUser
    endUser.recorded = {
      ...recorded,
      usage: usageWith(recorded.usage, gone, event.endUserWindows),
    }
  }
  fold.archives.set(session, { ...entry, marks: [], declared: true })
}

/**
 * The record that says what was archived of a merchant. The same once more, of another call that goes
 * on with the same archive, adds nothing.
 */
export function declareMerchant(
  fold: Fold,
  event: EventOf<'merchant-archived'>,
  usageAt: (account: string) => Entry<MerchantUsage>,
): void {
  const { session, delegation, endUser, delegationWindows, endUserWindows } = event
  const entry = declaredEntry(fold, session)
  const name = merchantName(event)
  const gone = entry.isPruned && !entry.merchants.has(name) ? event : nothingGone
  entry.merchants.add(name)
  const add = (account: string, windows: RecordedWindows | undefined): void => {
    if (!windows) return
    const found = usageAt(account)
    const { recorded } = found
    found.recorded = { ...recorded, usage: usageWith(recorded.usage, gone, windows) }
  }
  add(delegation, delegationWindows)
  add(endUserAccountId(endUser), endUserWindows)
}

/** Rows of an archive have gone; with `done`, the last one. */
export function removeArchived(fold: Fold, { session, done }: EventOf<'session-removed'>): void {
  declaredEntry(fold, session).done ||= done
}

function declaredEntry({ archives }: Fold, session: string): ArchiveEntry {
  const entry = archives.get(session)
  if (entry?.declared) return entry
  throw impossibleEvent(`${session} is in no archive`)
}

/** What an archive's records came to, where the fold has none of them. */
type Gone = Pick<EventOf<'session-archived'>, 'settled' | 'payments'>

const nothingGone: Gone = { settled: formatAmount(0n), payments: 0 }

function usageWith(usage: Usage, { settled, payments }: Gone, windows: RecordedWindows): Usage {
  return {
    ...usage,
    settledMicro: usage.settledMicro + recordedMicro(settled),
    payments: usage.payments + payments,
    windows: windowsOf(windows),
  }
}

/** Takes out of the fold what it has of a session, and of all below it. */
function removeFamily(fold: Fold, root: string, event: EventOf<'session-archived'>): void {
  const usage = fold.sessions.get(root)?.recorded.usage
  if (usage?.heldMicro !== 0n) throw impossibleEvent(`${root} can not be archived yet`)
  const isRight =
    usage.settledMicro === recordedMicro(event.settled) && usage.payments === event.payments
  if (!isRight) throw impossibleEvent(`the payments of ${root} are not those that were archived`)
  fold.archived.set(root, root)
  // Parents come before their children.
  for (const [id, { recorded }] of fold.sessions) {
    if (recorded.parent !== undefined && fold.archived.get(recorded.parent) === root) {
      fold.archived.set(id, root)
    }
  }
  for (const rows of [fold.payments, fold.approvals]) {
    for (const [id, { recorded }] of rows) {
      if (fold.archived.get(recorded.session) === root) rows.delete(id)
    }
  }
  for (const [id, { recorded }] of fold.merchantUsages) {
    if (fold.archived.get(recorded.account) === root) fold.merchantUsages.delete(id)
  }
  for (const id of fold.sessions.keys())
    if (fold.archived.get(id) === root) fold.sessions.delete(id)
}
