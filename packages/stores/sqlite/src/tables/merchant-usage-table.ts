import type { MerchantUsage } from '@bursar/core'
import type { Database } from '../database/database.ts'
import { storedCacheEntry, type Table } from './row-cache.ts'
import { parseUsageColumns, usageColumns } from './row-columns.ts'

/** Returns the id of a merchant usage in the cache. Ids, hosts and payees have no spaces. */
export function merchantUsageId(account: string, host: string, payee: string): string {
  return `${account} ${host} ${payee}`
}

/** Returns the table of what accounts with limits for each merchant have spent at merchants. */
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
      const usage = row && { account, host, payee, usage: parseUsageColumns(row) }
      return usage && storedCacheEntry(row.pk as bigint, usage, false)
    },
    insert(merchantUsage) {
      const { account, host, payee, usage } = merchantUsage
      const pk = insert.insert(account, host, payee, ...usageColumns(usage))
      return pk === undefined ? undefined : storedCacheEntry(pk, merchantUsage, false)
    },
    update({ pk, value }) {
      update.run(...usageColumns(value.usage), pk)
    },
  }
}
