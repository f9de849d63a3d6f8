import type { Payment } from '@bursar/core'
import type { Lookups } from '@bursar/core/store'
import type { Database, Row } from '../database/database.ts'
import { hashHead } from '../tables/hash-head.ts'
import { merchantId } from '../tables/merchant-table.ts'
import { merchantUsageId } from '../tables/merchant-usage-table.ts'
import type { LedgerRows } from './ledger-rows.ts'

/** Returns the lookups of a ledger, which have to run inside a transaction. */
export function ledgerLookups(database: Database, rows: LedgerRows): Lookups {
  const { sessions, delegations } = rows
  const ofEndUser = database.statement('SELECT id FROM delegations WHERE end_user = ? ORDER BY pk')
  return {
    ...twinLookups(database, rows),
    session: (id) => sessions.find(id)?.value,
    delegation: (id) => delegations.find(id)?.value,
    payment: (id) => rows.payments.find(id)?.value,
    key(session, key) {
      const record = rows.keys.find(sessions.key(session), key)
      return record && { session, ...record }
    },
    merchant: (delegation, host) => rows.merchants.find(merchantId(delegation, host))?.value,
    merchantUsage: (account, host, payee) =>
      rows.merchantUsages.find(merchantUsageId(account, host, payee))?.value,
    instrument: (handle) => rows.instruments.find(handle),
    endUser: (name) => rows.endUsers.find(name)?.value,
    delegationsOf: (endUser) =>
      ofEndUser.all(endUser).flatMap(({ id }) => delegations.find(id as string)?.value ?? []),
    approval: (id) => rows.approvals.find(id),
    latestApproval: (session, termsHash) => rows.approvals.latest(sessions.key(session), termsHash),
    recentApprovals: (root) => rows.approvals.recent(sessions.key(root)),
    credential: (id) => rows.credentials.find(id),
    operation: (id) => rows.operations.find(id),
  }
}

function twinLookups(
  database: Database,
  { sessions, delegations, payments }: LedgerRows,
): Pick<Lookups, 'twin' | 'ownTwin'> {
  const prepareLatest = (condition: string) =>
    database.statement(`SELECT p.id FROM payments p JOIN payment_terms t ON t.payment = p.pk
      WHERE p.delegation = ? AND p.request_head = ? AND t.request_hash = ? ${condition}
      ORDER BY p.pk DESC LIMIT 1`)
  const latestOfDelegation = prepareLatest('')
  const latestOfSession = prepareLatest('AND p.session = ?')
  const findPayment = (row: Row | undefined): Payment | undefined =>
    row && payments.find(row.id as string)?.value
  return {
    twin(delegation, hash) {
      const key = delegations.key(delegation)
      return findPayment(latestOfDelegation.get(key, hashHead(hash), hash))
    },
    ownTwin({ id, delegation }, hash) {
      const key = delegations.key(delegation)
      return findPayment(latestOfSession.get(key, hashHead(hash), hash, sessions.key(id)))
    },
  }
}
