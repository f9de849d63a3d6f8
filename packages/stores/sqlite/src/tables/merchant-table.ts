import type { KnownMerchant } from '@bursar/core'
import type { Database, Row } from '../database/database.ts'
import type { Table } from './row-cache.ts'

/** What a merchant's row is found by: ids and hosts have no spaces. */
export function merchantId(delegation: string, host: string): string {
  return `${delegation} ${host}`
}

/** Finds the key of the delegation that a merchant's row names. */
export type DelegationKey = (id: string) => bigint

export function merchantTable(
  database: Database,
  delegationKey: DelegationKey,
): Table<KnownMerchant> {
  const load = database.statement(`SELECT m.*, d.id AS delegation_id FROM merchants m
    JOIN delegations d ON d.pk = m.delegation WHERE d.id = ? AND m.host = ?`)
  const insert = database.statement(
    'INSERT INTO merchants VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const update = database.statement(
    'UPDATE merchants SET payee = ?, payments = ? WHERE delegation = ? AND host = ?',
  )
  return {
    noun: 'merchant',
    grows: false,
    id: ({ delegation, host }) => merchantId(delegation, host),
    load(id) {
      const [delegation = '', host = ''] = id.split(' ')
      const row = load.get(delegation, host)
      if (!row) return undefined
      const value = merchantOf(row)
      return { pk: row.delegation as bigint, stored: value, value, overrun: false }
    },
    insert(value) {
      const { delegation, host, payee, payments } = value
      const pk = delegationKey(delegation)
      const inserted = insert.insert(pk, host, payee, payments)
      return inserted === undefined ? undefined : { pk, stored: value, value, overrun: false }
    },
    update({ pk, value: { host, payee, payments } }) {
      update.run(payee, payments, pk, host)
    },
  }
}

function merchantOf(row: Row): KnownMerchant {
  return {
    delegation: row.delegation_id as string,
    host: row.host as string,
    payee: row.payee as string,
    payments: Number(row.payments),
  }
}
