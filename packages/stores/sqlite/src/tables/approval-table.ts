import type { Approval, ApprovalState } from '@bursar/core'
import {
  approvalJson,
  assertSameApproval,
  MAX_RECENT_APPROVALS,
  parseApprovalRow,
} from '@bursar/core/store'
import type { Database, Row } from '../database/database.ts'

/** The root sessions without approvals that are remembered: each takes some 100 bytes. */
const MAX_ROOTS_WITHOUT = 10_000

/** The table of approvals, which are read only if a call may need a human's yes. */
export interface ApprovalTable {
  find(id: string): Approval | undefined
  /** Finds the latest approval of some terms within a session. */
  latest(session: bigint, termsHash: string): Approval | undefined
  /** Lists the newest approvals of a root session and of all sessions below it, newest first. */
  recent(root: bigint): readonly Approval[]
  put(approval: Approval, session: bigint, root: bigint): void
  /** Forgets which roots have no approvals, after another connection has written or an undo. */
  clear(): void
}

/** Reads whole approvals; a condition follows. */
export const selectApprovals = `SELECT a.*, s.id AS session_id, r.id AS root_id FROM approvals a
  JOIN sessions s ON s.pk = a.session JOIN sessions r ON r.pk = a.root`

/** Returns the table of approvals. */
export function approvalTable(database: Database): ApprovalTable {
  const find = database.statement(`${selectApprovals} WHERE a.id = ?`)
  const latest = database.statement(
    `${selectApprovals} WHERE a.session = ? AND a.terms_hash = ? ORDER BY a.pk DESC LIMIT 1`,
  )
  const recent = database.statement(
    `${selectApprovals} WHERE a.root = ? ORDER BY a.pk DESC LIMIT ${MAX_RECENT_APPROVALS}`,
  )
  const insert = database.statement(`INSERT INTO approvals
    (id, session, root, end_user, state, terms_hash, key, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body`)
  /** The most roots never have an approval: the table is asked once for each. */
  const rootsWithout = new Set<bigint>()
  const parseOptional = (row: Row | undefined): Approval | undefined => row && parseApproval(row)
  return {
    find: (id) => parseOptional(find.get(id)),
    latest: (session, termsHash) =>
      rootsWithout.has(session) ? undefined : parseOptional(latest.get(session, termsHash)),
    recent(root) {
      if (rootsWithout.has(root)) return []
      const approvals = recent.all(root).map(parseApproval)
      if (approvals.length > 0) return approvals
      if (rootsWithout.size >= MAX_ROOTS_WITHOUT) rootsWithout.clear()
      rootsWithout.add(root)
      return approvals
    },
    put(approval, session, root) {
      const { id, endUser, state, termsHash, key } = approval
      const stored = parseOptional(find.get(id))
      if (stored) assertSameApproval(stored, approval)
      rootsWithout.delete(root)
      insert.run(id, session, root, endUser, state, termsHash, key ?? null, approvalJson(approval))
    },
    clear: () => rootsWithout.clear(),
  }
}

/** Returns the approval of a row that `selectApprovals` reads. */
export function parseApproval(row: Row): Approval {
  return parseApprovalRow({
    id: row.id as string,
    session: row.session_id as string,
    root: row.root_id as string,
    endUser: row.end_user as string,
    state: row.state as ApprovalState,
    termsHash: row.terms_hash as string,
    key: row.key as string | null,
    json: row.body as string,
  })
}
