import {
  type Approval,
  type ApprovalState,
  BursarError,
  MAX_RECENT_APPROVALS,
  type Store,
} from '@bursar/core'
import type { Database, Row } from '../database/database.ts'
import type { PageBounds } from './cursor.ts'

/** Roots without an approval that are remembered. */
const MAX_WITHOUT = 10_000

/** One approval with its key. */
export interface ApprovalRow {
  readonly pk: bigint
  readonly value: Approval
}

/** The approvals: few, and read only where a human is asked. */
export interface ApprovalTable {
  find(id: string): Approval | undefined
  /** The session's latest one for some terms. */
  latest(session: bigint, termsHash: string): Approval | undefined
  /** The newest ones of a root and all below it. */
  recent(root: bigint): readonly Approval[]
  put(value: Approval, session: bigint, root: bigint): void
  /** Forgets what is known: another connection has written, or the transaction was undone. */
  clear(): void
  list(filter: Parameters<Store['approvals']>[0], bounds: PageBounds): readonly ApprovalRow[]
}

const select = `SELECT a.*, s.id AS session_id, r.id AS root_id FROM approvals a
  JOIN sessions s ON s.pk = a.session JOIN sessions r ON r.pk = a.root`

export function approvalTable(database: Database): ApprovalTable {
  const find = database.statement(`${select} WHERE a.id = ?`)
  const latest = database.statement(
    `${select} WHERE a.session = ? AND a.terms_hash = ? ORDER BY a.pk DESC LIMIT 1`,
  )
  const recent = database.statement(
    `${select} WHERE a.root = ? ORDER BY a.pk DESC LIMIT ${MAX_RECENT_APPROVALS}`,
  )
  const insert = database.statement(`INSERT INTO approvals
    (id, session, root, end_user, state, terms_hash, key, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body`)
  /** Roots without any, as most are: asked once, and again after another has written. */
  const without = new Set<bigint>()
  const recentOf = (root: bigint): readonly Approval[] => {
    if (without.has(root)) return []
    const found = recent.all(root).map(approvalOf)
    if (found.length > 0) return found
    if (without.size >= MAX_WITHOUT) without.clear()
    without.add(root)
    return found
  }
  const approvalIn = (row: Row | undefined): Approval | undefined => row && approvalOf(row)
  return {
    find: (id) => approvalIn(find.get(id)),
    latest: (session, termsHash) =>
      without.has(session) ? undefined : approvalIn(latest.get(session, termsHash)),
    recent: recentOf,
    clear: () => without.clear(),
    put(value, session, root) {
      const { id, endUser, state, termsHash, key } = value
      const known = approvalIn(find.get(id))
      if (known && known.termsHash !== termsHash) {
        throw new BursarError('invariant_broken', `approval ${id}: its terms cannot change.`)
      }
      without.delete(root)
      insert.run(id, session, root, endUser, state, termsHash, key ?? null, bodyOf(value))
    },
    list({ endUser, session, key, states }, { after, limit }) {
      const values: (string | bigint)[] = [after]
      let sql = `${select} WHERE a.pk > ?`
      const restrict = (condition: string, value: string | undefined): void => {
        if (value === undefined) return
        sql += ` AND ${condition}`
        values.push(value)
      }
      restrict('a.end_user = ?', endUser)
      restrict('s.id = ?', session)
      restrict('a.key = ?', key)
      if (states) {
        sql += ` AND a.state IN (${states.map(() => '?').join(', ')})`
        values.push(...states)
      }
      const rows = database.statement(`${sql} ORDER BY a.pk LIMIT ?`).all(...values, limit)
      return rows.map((row) => ({ pk: row.pk as bigint, value: approvalOf(row) }))
    },
  }
}

/** What of an approval is read only with all of it. */
type Body = Pick<
  Approval,
  'delegation' | 'card' | 'reason' | 'createdAt' | 'expiresAt' | 'decidedAt' | 'payment'
>

function bodyOf(value: Approval): string {
  const { delegation, card, reason, createdAt, expiresAt, decidedAt, payment } = value
  return JSON.stringify({ delegation, card, reason, createdAt, expiresAt, decidedAt, payment })
}

function approvalOf(row: Row): Approval {
  const body = JSON.parse(row.body as string) as Body
  return {
    id: row.id as string,
    session: row.session_id as string,
    root: row.root_id as string,
    endUser: row.end_user as string,
    state: row.state as ApprovalState,
    termsHash: row.terms_hash as string,
    ...(row.key === null ? {} : { key: row.key as string }),
    ...body,
  }
}
