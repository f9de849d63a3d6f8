import { createHash } from 'node:crypto'
import { z } from 'zod'
import {
  type ArchiveTotals,
  addRecord,
  everyRecord,
  type Families,
  merchantName,
  sessionOf,
} from '../audit/archive-family.ts'
import { archiveLines } from '../audit/archive-file.ts'
import type { AuditEvent } from '../ledger/audit-event.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { payingState } from '../ledger/paying-state.ts'
import { recordedWindows } from '../ledger/recorded-usage.ts'
import type { Session } from '../ledger/session.ts'
import { formatAmount } from '../money/amount.ts'
import { MAX_PAGE, type Store } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'
import { durationField, parseInput } from '../primitives/fields.ts'
import { hashOf } from '../primitives/hash.ts'
import { finishRemoval } from './archive-removal.ts'
import { declareMerchants } from './archived-merchants.ts'

/** Which sessions go into an archive, and where it is kept. */
export interface ArchiveInput {
  /** Those that have ended at least so long ago, such as `'90d'`; at least `'1h'`. */
  readonly endedFor: string
  /**
   * Keeps the lines of the archive, each with its line end, and resolves when all of them are
   * durable: only then is anything removed. Not called where there is nothing to archive.
   */
  readonly keep: (lines: AsyncIterable<string>) => Promise<void>
}

/** What was archived. */
export interface ArchiveResult {
  /** Sessions that are in this archive, without those below them. */
  readonly sessions: readonly string[]
  /** Sessions of an earlier archive, whose removal was interrupted and is finished now. */
  readonly resumed: readonly string[]
  /** False where there may be more than one archive holds: call again. */
  readonly complete: boolean
}

/** Sessions of one archive, those below them not counted. */
const MAX_ARCHIVED = 500

/** What was released is asked about again for so long: a late proof needs its row. */
const MIN_ENDED_MS = 3_600_000

/** How long ago a session has to have ended to be archived. */
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
 * Writes what has ended into an archive, and removes it from the ledger. Killed at any moment, it
 * loses nothing: what was kept and not removed yet, the next call removes.
 */
export async function archive(store: Store, given: ArchiveInput): Promise<ArchiveResult> {
  const { endedFor, keep } = parseInput(archiveInput, given, 'archive')
  const before = store.now() - endedFor
  const { families, complete } = await endedFamilies(store, before)
  const { totals, begun } = await readTotals(store, families, before)
  if (begun.size > 0) await finish(store, begun)
  const chosen = new Map([...families].filter(([, root]) => totals.has(root)))
  const sessions = totals.size === 0 ? [] : await keepAndRemove(store, chosen, totals, keep)
  return { sessions, resumed: [...begun.keys()], complete }
}

async function keepAndRemove(
  store: Store,
  families: Families,
  totals: ReadonlyMap<string, ArchiveTotals>,
  keep: ArchiveInput['keep'],
): Promise<readonly string[]> {
  const sum = createHash('sha256')
  let isRead = false
  async function* lines(): AsyncGenerator<string> {
    for await (const line of archiveLines(store, families, totals)) {
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
      { session: root, operation: declarationOf(root) },
      (state, now) => declaredArchive(state, total, { sessions, fileSha256 }, now),
      'now',
    )
    if (isDeclared) declared.set(root, total)
  }
  await finish(store, declared)
  return [...declared.keys()]
}

/** An archive that the trail tells of: what may go, and the merchants that are still to be recorded. */
type Declared = Pick<ArchiveTotals, 'through' | 'merchants'>

async function finish(store: Store, archives: ReadonlyMap<string, Declared>): Promise<void> {
  for (const [root, { merchants }] of archives) {
    await declareMerchants(store, root, merchants.values())
  }
  await finishRemoval(store, new Map([...archives].map(([root, { through }]) => [root, through])))
}

/** A session is archived once, by whichever of several calls comes first. */
function declarationOf(session: string): string {
  return hashOf('archive', [session])
}

/** Sessions that ended before a time, and all below them. What is held has to be proved first. */
async function endedFamilies(
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
      const isEnded = endedAt(session, revoked.get(delegation)) <= before
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

function endedAt(
  { expiresAt, revokedAt, closedAt }: Session,
  delegationRevokedAt?: number,
): number {
  const ends = [expiresAt, revokedAt, closedAt, delegationRevokedAt]
  return Math.min(...ends.filter((one) => one !== undefined))
}

/** What the records say about what may go; and which archives were begun, and not finished. */
async function readTotals(
  store: Store,
  families: Families,
  before: number,
): Promise<{
  readonly totals: Map<string, ArchiveTotals>
  /** By the session. */
  readonly begun: Map<string, Declared>
}> {
  const totals = new Map<string, ArchiveTotals>()
  const begun = new Map<string, Declared>()
  const late = new Set<string>()
  for await (const { record, event } of everyRecord(store)) {
    noteBegun(begun, totals, event)
    const root = families.get(sessionOf(event) ?? '')
    if (root === undefined) continue
    totals.set(root, addRecord(totals.get(root), record, event))
    if (event.type === 'payment-released' && record.at > before) late.add(root)
  }
  for (const root of [...late, ...begun.keys()]) totals.delete(root)
  return { totals, begun }
}

/** As long as merchants are missing nothing was removed, and what the records add up to is whole. */
function noteBegun(
  begun: Map<string, Declared>,
  totals: ReadonlyMap<string, ArchiveTotals>,
  event: AuditEvent,
): void {
  if (event.type === 'session-archived') {
    const merchants = new Map(totals.get(event.session)?.merchants)
    begun.set(event.session, { through: event.through, merchants })
  }
  if (event.type === 'merchant-archived') {
    begun.get(event.session)?.merchants.delete(merchantName(event))
  }
  if (event.type === 'session-removed' && event.done) begun.delete(event.session)
}

/** Says what is archived, by the newest state; false where it is not what the archive has. */
function declaredArchive(
  state: LedgerState,
  total: ArchiveTotals,
  file: { readonly sessions: number; readonly fileSha256: string },
  now: number,
): Change<boolean> {
  if (!state.session || state.operation) return { result: false, events: [] }
  const { session, delegation } = payingState(state)
  const { usage } = session
  // What has ended stays so: only what it counts can have changed meanwhile, by a late proof.
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
        id: declarationOf(session.id),
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
