import { createHash } from 'node:crypto'
import { z } from 'zod'
import {
  type ArchiveTotals,
  addFamilyRecord,
  archivedMerchantName,
  type Families,
  findArchivedSession,
  readFamilyRecords,
} from '../audit/archive-family.ts'
import { createArchiveLines } from '../audit/archive-file.ts'
import type { AuditEvent } from '../ledger/audit-event.ts'
import { delegationEnd } from '../ledger/delegation.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { payingState } from '../ledger/paying-state.ts'
import { isUndeliveredPayment } from '../ledger/payment.ts'
import { recordedWindows } from '../ledger/recorded-usage.ts'
import { type Session, sessionKeepsName } from '../ledger/session.ts'
import { formatAmount } from '../money/amount.ts'
import { MAX_PAGE, type Store } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'
import { durationField, parseInputFields } from '../primitives/fields.ts'
import { hashOf } from '../primitives/hash.ts'
import { finishRemoval } from './archive-removal.ts'
import { declareMerchants } from './archived-merchants.ts'

/** The sessions to archive, and the function that stores the archive. */
export interface ArchiveInput {
  /** The least time since a session's end, such as `'90d'`. At least `'1h'`. */
  readonly endedFor: string
  /**
   * Stores the lines of the archive, each with its line end, and resolves when all of them are durable. Rows
   * are removed only after that. Not called if no session can be archived.
   */
  readonly keep: (lines: AsyncIterable<string>) => Promise<void>
}

/** The outcome of one call of `archive`. */
export interface ArchiveResult {
  /** The ids of the root sessions in this archive. */
  readonly sessions: readonly string[]
  /** The ids of root sessions in an earlier archive, whose interrupted removal this call finished. */
  readonly resumed: readonly string[]
  /** False if more sessions have ended than one archive takes: call again. */
  readonly complete: boolean
}

/** The most root sessions in one archive, so that its totals fit into memory. */
const MAX_ARCHIVED = 500

/** A released payment is asked about again for this long, and a late proof needs its row. */
const MIN_ENDED_MS = 3_600_000

/** Parses `endedFor`: how long ago a session must have ended to be archived, in milliseconds. */
export const endedForField: z.ZodType<number, string> = durationField.refine(
  (ms) => ms >= MIN_ENDED_MS,
  `must be at least '1h'`,
)

const archiveInput = z.strictObject({
  endedFor: endedForField,
  keep: z.custom<ArchiveInput['keep']>(
    (value) => typeof value === 'function',
    'must be a function',
  ),
})

/**
 * Writes sessions that have ended into an archive, and removes them from the ledger. If the process dies at any
 * moment, no row is lost: the next call removes what was stored and not removed yet.
 */
export async function archiveSessions(store: Store, given: ArchiveInput): Promise<ArchiveResult> {
  const { endedFor, keep } = parseInputFields(archiveInput, given, 'archive')
  const before = store.now() - endedFor
  const { families, complete } = await findArchivableSessions(store, before)
  const { totals, begun } = await readArchiveTotals(store, families, before)
  if (begun.size > 0) await finishArchives(store, begun)
  for (const root of await findUnarchivableSessions(store, families, totals)) totals.delete(root)
  const chosen = new Map([...families].filter(([, root]) => totals.has(root)))
  const sessions = totals.size === 0 ? [] : await archiveFamily(store, chosen, totals, keep)
  return { sessions, resumed: [...begun.keys()], complete }
}

async function archiveFamily(
  store: Store,
  families: Families,
  totals: ReadonlyMap<string, ArchiveTotals>,
  keep: ArchiveInput['keep'],
): Promise<readonly string[]> {
  const sum = createHash('sha256')
  let isRead = false
  async function* lines(): AsyncGenerator<string> {
    for await (const line of createArchiveLines(store, families, totals)) {
      sum.update(`${line}\n`)
      yield `${line}\n`
    }
    isRead = true
  }
  await keep(lines())
  if (!isRead) {
    const message = 'archive: keep: resolved before it had read all lines. Nothing was removed.'
    throw new BursarError('archive_not_kept', message)
  }
  const fileSha256 = sum.digest('hex')
  const declared = new Map<string, Declared>()
  for (const [root, total] of totals) {
    const sessions = [...families.values()].filter((one) => one === root).length
    const isDeclared = await store.commit(
      { session: root, operation: archiveIdOf(root) },
      (state, now) => declareArchive(state, total, { sessions, fileSha256 }, now),
      'now',
    )
    if (isDeclared) declared.set(root, total)
  }
  await finishArchives(store, declared)
  return [...declared.keys()]
}

/** A declared archive: its last record, and the merchants that still have to be recorded. */
type Declared = Pick<ArchiveTotals, 'through' | 'merchants'>

async function finishArchives(
  store: Store,
  archives: ReadonlyMap<string, Declared>,
): Promise<void> {
  for (const [root, { merchants }] of archives) {
    await declareMerchants(store, root, merchants.values())
  }
  await finishRemoval(store, new Map([...archives].map(([root, { through }]) => [root, through])))
}

/** Returns the id of the operation that declares an archive, so that of several calls one does. */
function archiveIdOf(session: string): string {
  return hashOf('archive', [session])
}

/** Finds sessions that ended before a time, with all below them. A session with open holds is left out. */
async function findArchivableSessions(
  store: Store,
  before: number,
): Promise<{ readonly families: Map<string, string>; readonly complete: boolean }> {
  const families = new Map<string, string>()
  const revoked = new Map<string, number | undefined>()
  let roots = 0
  let isCut = false
  let after: string | undefined
  do {
    const page = await store.sessions({}, { after, limit: MAX_PAGE })
    for (const session of page.rows) {
      const { id, parent, delegation } = session
      if (parent !== undefined) {
        const root = families.get(parent)
        if (root !== undefined) families.set(id, root)
        continue
      }
      if (!revoked.has(delegation)) {
        revoked.set(delegation, (await store.read({ delegation })).delegation?.revokedAt)
      }
      const isEnded = findSessionEnd(session, revoked.get(delegation)) <= before
      if (!isEnded || session.usage.heldMicro > 0n) continue
      isCut ||= roots === MAX_ARCHIVED
      if (roots === MAX_ARCHIVED) continue
      roots += 1
      families.set(id, id)
    }
    after = page.cursor
  } while (after !== undefined)
  return { families, complete: !isCut }
}

/**
 * Finds the sessions that stay, among those of the given roots, while their delegation goes on. Either a
 * payment in their family was not delivered, and its row says that its request must not be paid for again.
 * Or a name answers with the session: see `sessionKeepsName`.
 */
async function findUnarchivableSessions(
  store: Store,
  families: Families,
  roots: ReadonlyMap<string, unknown>,
): Promise<ReadonlySet<string>> {
  const owed = new Set<string>()
  for (const [session, root] of families) {
    if (owed.has(root) || !roots.has(root)) continue
    const now = store.now()
    const { delegation, session: row } = await store.read({ session })
    if (!row || !delegation || delegationEnd(delegation, now) !== undefined) continue
    if (sessionKeepsName(row) || (await blocksArchive(store, session))) owed.add(root)
  }
  return owed
}

async function blocksArchive(store: Store, session: string): Promise<boolean> {
  let after: string | undefined
  do {
    const page = await store.payments({ session }, { after, limit: MAX_PAGE })
    if (page.rows.some(isUndeliveredPayment)) return true
    after = page.cursor
  } while (after !== undefined)
  return false
}

function findSessionEnd(
  { expiresAt, revokedAt, closedAt }: Session,
  delegationRevokedAt?: number,
): number {
  const ends = [expiresAt, revokedAt, closedAt, delegationRevokedAt]
  return Math.min(...ends.filter((one) => one !== undefined))
}

/** Reads the totals of sessions that may be archived, and the archives that were begun and not finished. */
async function readArchiveTotals(
  store: Store,
  families: Families,
  before: number,
): Promise<{
  readonly totals: Map<string, ArchiveTotals>
  /** Unfinished archives by their root session. */
  readonly begun: Map<string, Declared>
}> {
  const totals = new Map<string, ArchiveTotals>()
  const begun = new Map<string, Declared>()
  const late = new Set<string>()
  for await (const { record, event } of readFamilyRecords(store)) {
    noteBegunArchive(begun, totals, event)
    const root = families.get(findArchivedSession(event) ?? '')
    if (root === undefined) continue
    totals.set(root, addFamilyRecord(totals.get(root), record, event))
    if (event.type === 'payment-released' && record.at > before) late.add(root)
  }
  for (const root of [...late, ...begun.keys()]) totals.delete(root)
  return { totals, begun }
}

/** Notes archives that were begun. While a merchant's record is missing, no row was removed and totals are whole. */
function noteBegunArchive(
  begun: Map<string, Declared>,
  totals: ReadonlyMap<string, ArchiveTotals>,
  event: AuditEvent,
): void {
  if (event.type === 'session-archived') {
    const merchants = new Map(totals.get(event.session)?.merchants)
    begun.set(event.session, { through: event.through, merchants })
  }
  if (event.type === 'merchant-archived') {
    begun.get(event.session)?.merchants.delete(archivedMerchantName(event))
  }
  if (event.type === 'session-removed' && event.done) begun.delete(event.session)
}

/** Declares an archive on the newest state. Results in false if the state differs from the stored archive. */
function declareArchive(
  state: LedgerState,
  total: ArchiveTotals,
  file: { readonly sessions: number; readonly fileSha256: string },
  now: number,
): Change<boolean> {
  if (!state.session || state.operation) return { result: false, events: [] }
  const { session, delegation } = payingState(state)
  const { usage } = session
  // An ended session stays ended: only a late proof can have changed its sums meanwhile.
  const { currency } = delegation.limits
  const account = state.endUser?.limits.currency === currency ? state.endUser : undefined
  const isSame =
    usage.heldMicro === 0n &&
    usage.settledMicro === total.settledMicro &&
    usage.payments === total.payments
  if (!isSame) return { result: false, events: [] }
  const { recordsSha256 } = total
  return {
    result: true,
    operations: [
      {
        id: archiveIdOf(session.id),
        inputHash: recordsSha256,
        subject: session.id,
        salt: '',
        at: now,
      },
    ],
    events: [
      {
        type: 'session-archived',
        session: session.id,
        delegation: delegation.id,
        endUser: delegation.endUser,
        sessions: file.sessions,
        records: total.records,
        payments: total.payments,
        settled: formatAmount(total.settledMicro),
        through: total.through,
        recordsSha256,
        fileSha256: file.fileSha256,
        delegationWindows: recordedWindows(delegation.usage),
        ...(account ? { endUserWindows: recordedWindows(account.usage) } : {}),
      },
    ],
  }
}
