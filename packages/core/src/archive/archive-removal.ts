import { type Families, findArchivedSession, readFamilyRecords } from '../audit/archive-family.ts'
import { archivedBody, recordBodyHash } from '../ledger/audit-record.ts'
import type { Change, LedgerState, Removed } from '../ledger/ledger-state.ts'
import { MAX_PAGE, type Store } from '../ports/store.ts'

/** The most rows that one commit removes, so that other commits don't wait long. */
const MAX_REMOVED = 200

const emptyRemoval: Removed = { records: [], payments: [], approvals: [], sessions: [] }

/** The number of the last record in each archive, by the archived session's id. */
export type Archived = ReadonlyMap<string, number>

/**
 * Removes the rows of archives, a bounded number per commit, and resumes where an earlier call was interrupted.
 * The bodies of records go first, oldest first. The archived root session goes last.
 */
export async function finishRemoval(store: Store, archived: Archived): Promise<void> {
  const families = new Map<string, string>()
  for (const root of archived.keys()) await addRemovedFamily(store, families, root)
  const remove = (root: string, removed: Partial<Removed>): Promise<void> =>
    store.commit(
      { session: root },
      (state) => recordRemoval(state, { ...emptyRemoval, ...removed }),
      'now',
    )
  await removeRecordBodies(store, families, archived, remove)
  // The sessions to remove, children before their parents.
  for (const [session, root] of [...families].reverse()) {
    await removeInBatches(
      () => store.payments({ session }, { limit: MAX_REMOVED }),
      (payments) => remove(root, { payments }),
    )
    await removeInBatches(
      () => store.approvals({ session }, { limit: MAX_REMOVED }),
      (approvals) => remove(root, { approvals }),
    )
    await remove(root, { sessions: [session] })
  }
}

/** Adds a session and all sessions below it to the families, parents first. */
async function addRemovedFamily(
  store: Store,
  families: Map<string, string>,
  root: string,
): Promise<void> {
  const { session } = await store.read({ session: root })
  if (!session) return
  families.set(root, root)
  let after: string | undefined
  do {
    const page = await store.sessions(
      { delegation: session.delegation },
      { after, limit: MAX_PAGE },
    )
    for (const { id, parent } of page.rows) {
      if (parent !== undefined && families.get(parent) === root) families.set(id, root)
    }
    after = page.cursor
  } while (after !== undefined)
}

async function removeRecordBodies(
  store: Store,
  families: Families,
  archived: Archived,
  remove: (root: string, removed: Partial<Removed>) => Promise<void>,
): Promise<void> {
  const waiting = new Map<string, Removed['records'][number][]>()
  const last = Math.max(0, ...archived.values())
  for await (const { record, event } of readFamilyRecords(store)) {
    const { seq, body } = record
    if (seq > last) break
    const session = findArchivedSession(event)
    const archive = families.get(session ?? '')
    if (session === undefined || archive === undefined || event.type === 'record-archived') continue
    if (seq > (archived.get(archive) ?? 0)) continue
    const records = waiting.get(archive) ?? []
    records.push({ seq, body: archivedBody({ session, archive, sha256: recordBodyHash(body) }) })
    waiting.set(archive, records)
    if (records.length < MAX_REMOVED) continue
    await remove(archive, { records })
    waiting.delete(archive)
  }
  for (const [archive, records] of waiting) await remove(archive, { records })
}

async function removeInBatches(
  list: () => Promise<{ readonly rows: readonly { readonly id: string }[] }>,
  remove: (ids: readonly string[]) => Promise<void>,
): Promise<void> {
  for (;;) {
    const { rows } = await list()
    if (rows.length === 0) return
    await remove(rows.map(({ id }) => id))
  }
}

/** Records a removal. Changes nothing if another call has removed the session meanwhile. */
function recordRemoval({ session }: LedgerState, removed: Removed): Change<undefined> {
  if (!session) return { result: undefined, events: [] }
  const { records, payments, approvals, sessions } = removed
  return {
    result: undefined,
    removed,
    events: [
      {
        type: 'session-removed',
        session: session.id,
        delegation: session.delegation,
        records: records.length,
        payments: payments.length,
        approvals: approvals.length,
        sessions: sessions.length,
        done: sessions.includes(session.id),
      },
    ],
  }
}
