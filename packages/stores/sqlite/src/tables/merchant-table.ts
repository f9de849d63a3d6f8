import type { KnownMerchant } from '@bursar/core'
import type { Database, Row } from '../database/database.ts'
import { storedCacheEntry, type Table } from './row-cache.ts'

/** Returns the id of a merchant's row in the cache. Ids and hosts have no spaces. */
export function merchantId(delegation: string, host: string): string {
  return `${delegation} ${host}`
}

/** Finds the key of the delegation that a merchant's row names. */
export type DelegationKey = (id: string) => bigint

/** Returns the table of the merchants that each delegation has paid. */
export function merchantTable(
  database: Database,
  delegationKey: DelegationKey,
): Table<KnownMerchant> {
  const load = database.statement(`SELECT m.*, d.id AS delegation_id FROM merchants m
    JOIN delegations d ON d.pk = m.delegation WHERE d.id = ? AND m.host = ?`)
  const insert = database.statement(
    'INSERT INTO merchants VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const update = database.statement(
    'UPDATE merchants SET payee = ?, payments = ?, troubled = ? WHERE delegation = ? AND host = ?',
  )
  return {
    noun: 'merchant',
    grows: false,
    id: ({ delegation, host }) => merchantId(delegation, host),
    load(id) {
      const [delegation = '', host = ''] = id.split(' ')
      const row = load.get(delegation, host)
      return row && storedCacheEntry(row.delegation as bigint, parseMerchant(row), false)
    },
    insert(merchant) {
      const { delegation, host, payee, payments, troubled } = merchant
      const pk = delegationKey(delegation)
      const inserted = insert.insert(pk, host, payee, payments, troubled)
      return inserted === undefined ? undefined : storedCacheEntry(pk, merchant, false)
    },
    update({ pk, value: { host, payee, payments, troubled } }) {
      update.run(payee, payments, troubled, pk, host)
    },
  }
}

function parseMerchant(row: Row): KnownMerchant {
  return {
    delegation: row.delegation_id as string,
    host: row.host as string,
    payee: row.payee as string,
    payments: Number(row.payments),
    troubled: Number(row.troubled),
  }
}
