import type { MerchantUsage } from '@bursar/core'
import type { Database } from '../database/database.ts'
import type { Table } from './row-cache.ts'
import { usageColumns, usageOf } from './usage-columns.ts'

/** What a row is found by: ids, hosts and payees have no spaces. */
export function merchantUsageId(account: string, host: string, payee: string): string {
  return `${account} ${host} ${payee}`
}

/** What accounts with per-merchant limits have spent at merchants. */
export function merchantUsageTable(database: Database): Table<MerchantUsage> {
  const load = database.statement(
    'SELECT * FROM merchant_usages WHERE account = ? AND host = ? AND payee = ?',
  )
  const insert = database.statement(`INSERT INTO merchant_usages
    (account, host, payee, settled, held, payments, windows) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (account, host, payee) DO NOTHING`)
  const update = database.statement(
    'UPDATE merchant_usages SET settled = ?, held = ?, payments = ?, windows = ? WHERE pk = ?',
  )
  return {
    noun: 'merchant',
    grows: false,
    id: ({ account, host, payee }) => merchantUsageId(account, host, payee),
    load(id) {
      const [account = '', host = '', payee = ''] = id.split(' ')
      const row = load.get(account, host, payee)
      if (!row) return undefined
      const value = { account, host, payee, usage: usageOf(row) }
      return { pk: row.pk as bigint, stored: value, value, overrun: false }
    },
    insert(value) {
      const { account, host, payee, usage } = value
      const pk = insert.insert(account, host, payee, ...usageColumns(usage))
      return pk === undefined ? undefined : { pk, stored: value, value, overrun: false }
    },
    update({ pk, value }) {
      update.run(...usageColumns(value.usage), pk)
    },
  }
}
