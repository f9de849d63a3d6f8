import { type LimitsText, limitsFromText, limitsText, type Session } from '@bursar/core'
import type { Database, Row } from '../database/database.ts'
import { optionalNumber } from './optional.ts'
import { assertFixed, type Entry, same, type Table } from './row-cache.ts'
import { usageColumns, usageOf } from './usage-columns.ts'

/** What of a session is written once, as JSON. */
type Terms = Pick<Session, 'payer' | 'tokenHash' | 'merchants' | 'ask' | 'repeatAfterMs'> & {
  readonly limits: LimitsText
}

const termsFields = ['limits', 'merchants', 'ask', 'tokenHash', 'repeatAfterMs'] as const

/** Finds the keys of the rows that a session names. */
export interface SessionParents {
  delegation(id: string): bigint
  session(id: string): bigint
}

/** Reads whole sessions; a condition follows. */
export const selectSessions = `
SELECT s.*, d.id AS delegation_id, p.id AS parent_id, t.body FROM sessions s
  JOIN delegations d ON d.pk = s.delegation JOIN session_terms t ON t.session = s.pk
  LEFT JOIN sessions p ON p.pk = s.parent`

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
    insert(value, overrun) {
      const { id, delegation, parent, limits, usage, createdAt } = value
      const pk = insert.insert(
        id,
        parents.delegation(delegation),
        parent === undefined ? null : parents.session(parent),
        limits.totalMicro,
        ...usageColumns(usage),
        Number(overrun),
        createdAt,
        ...timeColumns(value),
      )
      if (pk === undefined) return undefined
      insertTerms.run(pk, termsText(value))
      return { pk, stored: value, value, overrun }
    },
    update(entry) {
      const { pk, stored, value, overrun } = entry
      assertFixed(`session ${value.id}`, stored, value, [
        'delegation',
        'parent',
        'payer',
        'createdAt',
      ])
      const { limits, usage } = value
      const columns = usageColumns(usage)
      update.run(limits.totalMicro, ...columns, Number(overrun), ...timeColumns(value), pk)
      if (!same(stored, value, termsFields)) updateTerms.run(termsText(value), pk)
    },
  }
}

export function sessionEntry(row: Row): Entry<Session> {
  const value = sessionOf(row)
  return { pk: row.pk as bigint, stored: value, value, overrun: row.overrun === 1n }
}

function sessionOf(row: Row): Session {
  const terms = JSON.parse(row.body as string) as Terms
  return {
    id: row.id as string,
    delegation: row.delegation_id as string,
    ...(row.parent_id === null ? {} : { parent: row.parent_id as string }),
    ...(terms.payer === undefined ? {} : { payer: terms.payer }),
    tokenHash: terms.tokenHash,
    limits: limitsFromText(terms.limits, row.total as bigint),
    usage: usageOf(row),
    ...(terms.merchants === undefined ? {} : { merchants: terms.merchants }),
    ...(terms.ask === undefined ? {} : { ask: terms.ask }),
    repeatAfterMs: terms.repeatAfterMs,
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    ...optionalNumber('revokedAt', row.revoked_at),
    ...optionalNumber('closedAt', row.closed_at),
    ...optionalNumber('lockedAt', row.locked_at),
  }
}

type Times = [number, number | null, number | null, number | null]

function timeColumns({ expiresAt, revokedAt, closedAt, lockedAt }: Session): Times {
  return [expiresAt, revokedAt ?? null, closedAt ?? null, lockedAt ?? null]
}

function termsText(value: Session): string {
  const { payer, tokenHash, merchants, ask, repeatAfterMs } = value
  const terms: Terms = {
    ...(payer === undefined ? {} : { payer }),
    tokenHash,
    limits: limitsText(value.limits),
    ...(merchants === undefined ? {} : { merchants }),
    ...(ask === undefined ? {} : { ask }),
    repeatAfterMs,
  }
  return JSON.stringify(terms)
}
