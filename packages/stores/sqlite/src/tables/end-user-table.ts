import type { EndUserAccount } from '@bursar/core'
import {
  assertSameEndUser,
  endUserJson,
  hasSameEndUserJson,
  parseEndUserRow,
} from '@bursar/core/store'
import type { Database, Row } from '../database/database.ts'
import { type Entry, storedCacheEntry, type Table } from './row-cache.ts'
import { parseUsageColumns, usageColumns } from './row-columns.ts'

/** Returns the table of end users' accounts. Their id in the cache is the end user's name. */
export function endUserTable(database: Database): Table<EndUserAccount> {
  const load = database.statement('SELECT * FROM end_users WHERE end_user = ?')
  const insert = database.statement(`INSERT INTO end_users
    (end_user, total, settled, held, payments, windows, overrun, created_at, limits)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (end_user) DO NOTHING`)
  const update = database.statement(`UPDATE end_users SET total = ?, settled = ?, held = ?,
    payments = ?, windows = ?, overrun = ? WHERE pk = ?`)
  const updateLimits = database.statement('UPDATE end_users SET limits = ? WHERE pk = ?')
  return {
    noun: 'end user',
    grows: false,
    id: ({ endUser }) => endUser,
    load(endUser) {
      const row = load.get(endUser)
      return row && endUserEntry(row)
    },
    insert(account, overrun) {
      const { endUser, limits, usage, createdAt } = account
      const columns = [...usageColumns(usage), Number(overrun), createdAt] as const
      const pk = insert.insert(endUser, limits.totalMicro, ...columns, endUserJson(account))
      return pk === undefined ? undefined : storedCacheEntry(pk, account, overrun)
    },
    update({ pk, stored, value, overrun }) {
      assertSameEndUser(stored, value)
      const { limits, usage } = value
      update.run(limits.totalMicro, ...usageColumns(usage), Number(overrun), pk)
      if (!hasSameEndUserJson(stored, value)) updateLimits.run(endUserJson(value), pk)
    },
  }
}

function endUserEntry(row: Row): Entry<EndUserAccount> {
  const account = parseEndUserRow({
    endUser: row.end_user as string,
    totalMicro: row.total as bigint,
    usage: parseUsageColumns(row),
    createdAt: Number(row.created_at),
    json: row.limits as string,
  })
  return storedCacheEntry(row.pk as bigint, account, row.overrun === 1n)
}
