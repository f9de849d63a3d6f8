import type { Session } from '@bursar/core'
import {
  assertSameSession,
  hasSameSessionJson,
  parseSessionRow,
  sessionJson,
} from '@bursar/core/store'
import type { Database, Row } from '../database/database.ts'
import { type Entry, storedCacheEntry, type Table } from './row-cache.ts'
import { numberColumnOrNull, parseUsageColumns, usageColumns } from './row-columns.ts'

/** The look-ups of the keys of the rows that a session names. */
export interface SessionParents {
  delegation(id: string): bigint
  session(id: string): bigint
}

/** Reads whole sessions; a condition follows. */
export const selectSessions = `
SELECT s.*, d.id AS delegation_id, p.id AS parent_id, t.body FROM sessions s
  JOIN delegations d ON d.pk = s.delegation JOIN session_terms t ON t.session = s.pk
  LEFT JOIN sessions p ON p.pk = s.parent`

/** Returns the table of sessions, whose terms are in a table of their own. */
export function sessionTable(database: Database, parents: SessionParents): Table<Session> {
  const load = database.statement(`${selectSessions} WHERE s.id = ?`)
  const insert = database.statement(`INSERT INTO sessions
    (id, delegation, parent, total, settled, held, payments, windows, overrun, created_at,
     expires_at, revoked_at, closed_at, locked_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)
    ON CONFLICT (id) DO NOTHING`)
  const insertTerms = database.statement('INSERT INTO session_terms VALUES (?, ?)')
  const update = database.statement(`UPDATE sessions SET total = ?, settled = ?, held = ?,
    payments = ?, windows = ?, overrun = ?, expires_at = ?, revoked_at = ?, closed_at = ?,
    locked_at = ? WHERE pk = ?`)
  const updateTerms = database.statement('UPDATE session_terms SET body = ? WHERE session = ?')
  return {
    noun: 'session',
    grows: false,
    id: ({ id }) => id,
    load(id) {
      const row = load.get(id)
      return row && sessionEntry(row)
    },
    insert(session, overrun) {
      const { id, delegation, parent, limits, usage, createdAt } = session
      const pk = insert.insert(
        id,
        parents.delegation(delegation),
        parent === undefined ? null : parents.session(parent),
        limits.totalMicro,
        ...usageColumns(usage),
        Number(overrun),
        createdAt,
        ...sessionTimeColumns(session),
      )
      if (pk === undefined) return undefined
      insertTerms.run(pk, sessionJson(session))
      return storedCacheEntry(pk, session, overrun)
    },
    update({ pk, stored, value, overrun }) {
      assertSameSession(stored, value)
      const { limits, usage } = value
      const columns = [limits.totalMicro, ...usageColumns(usage), Number(overrun)] as const
      update.run(...columns, ...sessionTimeColumns(value), pk)
      if (!hasSameSessionJson(stored, value)) updateTerms.run(sessionJson(value), pk)
    },
  }
}

/** Returns the session of a row that `selectSessions` reads. */
export function sessionEntry(row: Row): Entry<Session> {
  const session = parseSessionRow({
    id: row.id as string,
    delegation: row.delegation_id as string,
    parent: row.parent_id as string | null,
    totalMicro: row.total as bigint,
    usage: parseUsageColumns(row),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    revokedAt: numberColumnOrNull(row.revoked_at),
    closedAt: numberColumnOrNull(row.closed_at),
    lockedAt: numberColumnOrNull(row.locked_at),
    json: row.body as string,
  })
  return storedCacheEntry(row.pk as bigint, session, row.overrun === 1n)
}

type TimeColumns = [number, number | null, number | null, number | null]

function sessionTimeColumns({ expiresAt, revokedAt, closedAt, lockedAt }: Session): TimeColumns {
  return [expiresAt, revokedAt ?? null, closedAt ?? null, lockedAt ?? null]
}
