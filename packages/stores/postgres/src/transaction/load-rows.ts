import type { LedgerState, Scope } from '@bursar/core'
import type { Client } from 'pg'
import { runStatementPipeline } from '../database/statement.ts'
import { readAccountGrants, readAccounts } from '../tables/account-table.ts'
import { readApprovals } from '../tables/approval-table.ts'
import { type Head, lockAuditHead, readAuditClock } from '../tables/audit-table.ts'
import { readCredentials } from '../tables/credential-table.ts'
import { readInstruments } from '../tables/instrument-table.ts'
import { readKeys } from '../tables/key-table.ts'
import { readMerchants } from '../tables/merchant-table.ts'
import { readMerchantUsages } from '../tables/merchant-usage-table.ts'
import { readOperations } from '../tables/operation-table.ts'
import { readPayments } from '../tables/payment-table.ts'
import { fillRows, type ReadRows } from './fill-rows.ts'
import type { HeadCache } from './head-cache.ts'
import { type LedgerTraits, type LoadPlan, planLoad } from './load-plan.ts'
import { RowsNotLoaded } from './row-cache.ts'
import { type TransactionRows, transactionRows } from './transaction-rows.ts'

/** The rows of a transaction that holds the head of the audit chain. */
export interface LockedRows {
  readonly rows: TransactionRows
  readonly head: Head
  /** The database's time, read behind the lock: milliseconds since the epoch. */
  readonly now: number
}

/**
 * Begins a transaction that writes, in one round trip.
 *
 * The lock on the head comes first. The reads follow in statements of their own, whose snapshots are
 * therefore younger than the lock. Cached rows are not read, unless the head says that another process
 * has written: then everything is read in a second round trip.
 */
export async function lockAndLoad(
  client: Client,
  plan: LoadPlan,
  cache: HeadCache,
): Promise<LockedRows> {
  const missing = cache.withoutCached(plan)
  const [, head, now, read] = await runStatementPipeline(client, () => [
    client.query('BEGIN'),
    lockAuditHead(client),
    readAuditClock(client),
    loadPlannedRows(client, missing),
  ])
  const rows = transactionRows(head)
  if (cache.isAt(head)) {
    cache.addTo(rows, plan)
    fillRows(rows, plan, read)
    return { rows, head, now }
  }
  cache.clear()
  fillRows(rows, plan, isWholeLoad(missing, plan) ? read : await loadPlannedRows(client, plan))
  return { rows, head, now }
}

/**
 * Reads the state of a scope, without a lock. Each attempt is a snapshot in one round trip; rows that
 * turn out to be needed are loaded in the next one.
 */
export async function loadState(
  client: Client,
  scope: Scope,
  traits: LedgerTraits,
): Promise<LedgerState> {
  const plan = planLoad([scope], traits)
  for (;;) {
    const rows = await loadSnapshot(client, plan)
    try {
      return rows.state(scope)
    } catch (error) {
      if (!(error instanceof RowsNotLoaded)) throw error
      addMissingRows(plan, error, traits)
    }
  }
}

/** Adds the rows that an attempt has missed to the plan of the next one. */
export function addMissingRows(plan: LoadPlan, error: RowsNotLoaded, traits: LedgerTraits): void {
  error.addTo(plan)
  traits.hasMerchantLimits ||= plan.merchantUsages.size > 0
}

async function loadSnapshot(client: Client, plan: LoadPlan): Promise<TransactionRows> {
  const [, read] = await runStatementPipeline(client, () => [
    client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'),
    loadPlannedRows(client, plan),
    client.query('COMMIT'),
  ])
  const rows = transactionRows({ seq: 0, at: 0, hash: '' })
  fillRows(rows, plan, read)
  return rows
}

/** Checks whether a plan without its cached rows is still the whole plan. */
function isWholeLoad(missing: LoadPlan, { accounts, payments, merchants }: LoadPlan): boolean {
  return (
    missing.accounts.size === accounts.size &&
    missing.payments.size === payments.size &&
    missing.merchants.size === merchants.size
  )
}

/** Reads the rows of a plan at once. Tables of which the plan names no row are not asked. */
async function loadPlannedRows(client: Client, plan: LoadPlan): Promise<ReadRows> {
  const keys = [...plan.keys.values()]
  const found = await runStatementPipeline(client, () => [
    readAccounts(client, plan),
    readPayments(client, {
      ids: [...plan.payments],
      keys,
      twins: [...plan.twins.values()],
      ownTwins: [...plan.ownTwins.values()],
    }),
    readKeys(client, keys),
    readMerchants(client, [...plan.merchants.values()]),
    readInstruments(client, plan.instruments),
    readApprovals(client, { ids: plan.approvals, terms: [...plan.terms.values()] }),
    readCredentials(client, plan.credentials),
    readOperations(client, plan.operations),
    readMerchantUsages(client, [...plan.merchantUsages.values()]),
    readAccountGrants(client, plan.endUsers),
  ])
  return {
    accounts: found[0],
    payments: found[1],
    keys: found[2],
    merchants: found[3],
    instruments: found[4],
    approvals: found[5],
    credentials: found[6],
    operations: found[7],
    merchantUsages: found[8],
    grants: found[9],
  }
}
