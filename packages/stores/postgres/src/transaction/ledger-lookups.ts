import type { Lookups } from '@bursar/core/store'
import type { LedgerRows } from './ledger-rows.ts'
import { merchantUsageId, pairId } from './row-ids.ts'

/** Returns lookups into the rows of a transaction. They throw `RowsNotLoaded` for a row not loaded. */
export function ledgerLookups(rows: LedgerRows): Lookups {
  const { sessions, delegations, payments, approvals } = rows
  return {
    session: (id) => sessions.find(id)?.value,
    delegation: (id) => delegations.find(id)?.value,
    payment: (id) => payments.find(id)?.value,
    key: (session, key) => rows.keys.find(pairId(session, key))?.value,
    twin(delegation, requestHash) {
      const twin = rows.twins.find(pairId(delegation, requestHash))?.value
      // The payment may have gone into an archive earlier in this transaction.
      return twin && payments.find(twin.payment)?.value
    },
    ownTwin({ id }, requestHash) {
      const twin = rows.ownTwins.find(pairId(id, requestHash))?.value
      return twin && payments.find(twin.payment)?.value
    },
    merchant: (delegation, host) => rows.merchants.find(pairId(delegation, host))?.value,
    merchantUsage: (account, host, payee) =>
      rows.merchantUsages.find(merchantUsageId(account, host, payee))?.value,
    instrument: (handle) => rows.instruments.find(handle)?.value,
    endUser: (name) => rows.endUsers.find(name)?.value,
    delegationsOf(endUser) {
      const ids = rows.grants.find(endUser)?.value.delegations ?? []
      return ids.map((id) => delegations.need(id).value)
    },
    approval: (id) => approvals.find(id)?.value,
    latestApproval(session, termsHash) {
      const latest = rows.latestApprovals.find(pairId(session, termsHash))?.value
      return latest && approvals.need(latest.approval).value
    },
    recentApprovals(root) {
      const ids = rows.recentApprovals.find(root)?.value.approvals ?? []
      return ids.map((id) => approvals.need(id).value)
    },
    credential: (id) => rows.credentials.find(id)?.value,
    operation: (id) => rows.operations.find(id)?.value,
  }
}
