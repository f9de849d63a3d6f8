import type { Delegation } from '@bursar/core'
import {
  assertSameDelegation,
  delegationJson,
  hasSameDelegationJson,
  isUnsettled,
  parseDelegationRow,
} from '@bursar/core/store'
import type { Database, Row } from '../database/database.ts'
import { type Entry, storedCacheEntry, type Table } from './row-cache.ts'
import { numberColumnOrNull, parseUsageColumns, usageColumns } from './row-columns.ts'

/** The SELECT of whole delegations, without a condition. */
export const selectDelegations = `
SELECT d.*, t.body FROM delegations d JOIN delegation_terms t ON t.delegation = d.pk`

/** Returns the table of delegations, whose terms are in a table of their own. */
export function delegationTable(database: Database): Table<Delegation> {
  const load = database.statement(`${selectDelegations} WHERE d.id = ?`)
  const insert = database.statement(`INSERT INTO delegations
    (id, end_user, total, settled, held, payments, windows, overrun, created_at, expires_at,
     revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING`)
  const insertTerms = database.statement('INSERT INTO delegation_terms VALUES (?, ?)')
  const update = database.statement(`UPDATE delegations SET total = ?, settled = ?, held = ?,
    payments = ?, windows = ?, overrun = ?, expires_at = ?, revoked_at = ? WHERE pk = ?`)
  const updateTerms = database.statement(
    'UPDATE delegation_terms SET body = ? WHERE delegation = ?',
  )
  const mark = database.statement('UPDATE delegations SET unsettled = ? WHERE pk = ?')
  return {
    noun: 'delegation',
    grows: false,
    id: ({ id }) => id,
    load(id) {
      const row = load.get(id)
      return row && delegationEntry(row)
    },
    insert(delegation, overrun) {
      const { id, endUser, limits, usage, createdAt, expiresAt, revokedAt } = delegation
      const pk = insert.insert(
        id,
        endUser,
        limits.totalMicro,
        ...usageColumns(usage),
        Number(overrun),
        createdAt,
        expiresAt,
        revokedAt ?? null,
      )
      if (pk === undefined) return undefined
      insertTerms.run(pk, delegationJson(delegation))
      if (isUnsettled(delegation)) mark.run(1, pk)
      return storedCacheEntry(pk, delegation, overrun)
    },
    update({ pk, stored, value, overrun }) {
      assertSameDelegation(stored, value)
      const { limits, usage, expiresAt, revokedAt } = value
      const columns = [limits.totalMicro, ...usageColumns(usage), Number(overrun)] as const
      update.run(...columns, expiresAt, revokedAt ?? null, pk)
      if (!hasSameDelegationJson(stored, value)) updateTerms.run(delegationJson(value), pk)
      if (isUnsettled(stored) !== isUnsettled(value)) mark.run(Number(isUnsettled(value)), pk)
    },
  }
}

/** Returns the delegation of a row that `selectDelegations` reads. */
export function delegationEntry(row: Row): Entry<Delegation> {
  const delegation = parseDelegationRow({
    id: row.id as string,
    endUser: row.end_user as string,
    totalMicro: row.total as bigint,
    usage: parseUsageColumns(row),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    revokedAt: numberColumnOrNull(row.revoked_at),
    json: row.body as string,
  })
  return storedCacheEntry(row.pk as bigint, delegation, row.overrun === 1n)
}
