import {
  BursarError,
  type Delegation,
  type EndUserAccount,
  type KnownMerchant,
  type MerchantUsage,
  type Payment,
  type Session,
} from '@bursar/core'
import type { Database } from '../database/database.ts'
import { type ApprovalTable, approvalTable } from '../tables/approval-table.ts'
import { type AuditTable, auditTable } from '../tables/audit-table.ts'
import { type ContentTable, contentTable } from '../tables/content-table.ts'
import { type CredentialTable, credentialTable } from '../tables/credential-table.ts'
import { delegationTable } from '../tables/delegation-table.ts'
import { endUserTable } from '../tables/end-user-table.ts'
import { type InstrumentTable, instrumentTable } from '../tables/instrument-table.ts'
import { type KeyTable, keyTable } from '../tables/key-table.ts'
import { merchantTable } from '../tables/merchant-table.ts'
import { merchantUsageTable } from '../tables/merchant-usage-table.ts'
import { type OperationTable, operationTable } from '../tables/operation-table.ts'
import { paymentTable } from '../tables/payment-table.ts'
import { type RowCache, rowCache } from '../tables/row-cache.ts'
import { sessionTable } from '../tables/session-table.ts'

/** The rows of the ledger that are cached. */
export interface CachedRows {
  readonly sessions: RowCache<Session>
  readonly delegations: RowCache<Delegation>
  readonly payments: RowCache<Payment>
  readonly merchants: RowCache<KnownMerchant>
  readonly endUsers: RowCache<EndUserAccount>
  readonly merchantUsages: RowCache<MerchantUsage>
}

/** The rows of the ledger: some in caches, the others in tables that are cheap to query. */
export interface LedgerRows extends CachedRows {
  readonly instruments: InstrumentTable
  readonly keys: KeyTable
  readonly contents: ContentTable
  readonly approvals: ApprovalTable
  readonly credentials: CredentialTable
  readonly operations: OperationTable
  readonly audit: AuditTable
}

/** Returns empty caches, in which each row finds the keys of the rows that it names. */
export function cachedRows(database: Database): CachedRows {
  const delegations = rowCache(delegationTable(database))
  const sessions: RowCache<Session> = rowCache(
    sessionTable(database, {
      delegation: (id) => delegations.key(id),
      session: (id) => sessions.key(id),
    }),
  )
  const payments = rowCache(
    paymentTable(database, {
      session: (id) => sessions.key(id),
      delegation(id, endUser) {
        const key = delegations.key(id)
        if (delegations.find(id)?.value.endUser === endUser) return key
        throw new BursarError('invariant_broken', `${endUser} is not the end user of ${id}.`)
      },
    }),
  )
  const merchants = rowCache(merchantTable(database, (id) => delegations.key(id)))
  const endUsers = rowCache(endUserTable(database))
  const merchantUsages = rowCache(merchantUsageTable(database))
  return { sessions, delegations, payments, merchants, endUsers, merchantUsages }
}

/** Returns the rows of a database over its caches. */
export function ledgerRows(database: Database, cached: CachedRows): LedgerRows {
  return {
    ...cached,
    instruments: instrumentTable(database),
    keys: keyTable(database),
    contents: contentTable(database),
    approvals: approvalTable(database),
    credentials: credentialTable(database),
    operations: operationTable(database),
    audit: auditTable(database),
  }
}
