import {
  type EndUserAccount,
  endUserAccountId,
  type LimitsText,
  limitsFromText,
  limitsText,
} from '@bursar/core'
import type { Database, Row } from '../database/database.ts'
import { assertFixed, type Entry, same, type Table } from './row-cache.ts'
import { usageColumns, usageOf } from './usage-columns.ts'

/** Accounts of end users, found by the end user's name. */
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
    insert(value, overrun) {
      const { endUser, limits, usage, createdAt } = value
      const columns = [...usageColumns(usage), Number(overrun), createdAt] as const
      const pk = insert.insert(endUser, limits.totalMicro, ...columns, textOf(value))
      return pk === undefined ? undefined : { pk, stored: value, value, overrun }
    },
    update({ pk, stored, value, overrun }) {
      assertFixed(value.id, stored, value, ['createdAt'])
      const { limits, usage } = value
      update.run(limits.totalMicro, ...usageColumns(usage), Number(overrun), pk)
      if (!same(stored, value, ['limits'])) updateLimits.run(textOf(value), pk)
    },
  }
}

function endUserEntry(row: Row): Entry<EndUserAccount> {
  const endUser = row.end_user as string
  const value = {
    id: endUserAccountId(endUser),
    endUser,
    limits: limitsFromText(JSON.parse(row.limits as string) as LimitsText, row.total as bigint),
    usage: usageOf(row),
    createdAt: Number(row.created_at),
  }
  return { pk: row.pk as bigint, stored: value, value, overrun: row.overrun === 1n }
}

function textOf({ limits }: EndUserAccount): string {
  return JSON.stringify(limitsText(limits))
}
