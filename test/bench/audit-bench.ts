import { hash } from 'node:crypto'
import { join } from 'node:path'
import type { AuditRecord, Store } from '@bursar/core'
import { MAX_PAGE } from '@bursar/core/store'
import { sqliteStore } from '@bursar/store-sqlite'
import { verifyLedger } from '../../packages/core/src/audit/verify.ts'
import { openAccounts } from './accounts.ts'
import { atLeast, type Bench, type Plan, type Round, type Running } from './bench.ts'
import { paymentRate } from './payment-rate.ts'

/** The number of records in a small and in a large trail before records are appended. */
const SMALL_TRAIL = 10_000
const LARGE_TRAIL = 1_000_000

/** The records of one commit while a trail is filled: few enough not to block the event loop. */
const FILL_RECORDS = 1_000

/** The number of concurrent commits with one record each. The store groups them. */
const APPENDS_AT_ONCE = 256

/** The payments of the verified ledger: three records each, besides those of its accounts. */
const VERIFIED_PAYERS = 256

const growth = 'audit append rate at 1,000,000 records / at 10,000'
const verification = 'audit verify / bare chain of hashes'

/** The benchmark of the audit trail in SQLite: appending as it grows, and verifying it. */
export const auditBench: Bench = {
  name: 'audit',
  targets: [atLeast(growth, 0.9), atLeast(verification, 0.24)],
  open,
}

interface World {
  readonly small: Store
  readonly large: Store
  /** Fills a ledger with real payments. */
  readonly paid: Store
  readonly records: readonly AuditRecord[]
  readonly forMs: number
}

async function open({ folder, quick }: Plan): Promise<Running> {
  const trail = async (name: string, records: number): Promise<Store> => {
    const store = sqliteStore({ path: join(folder, name) })
    for (let count = 0; count < records; count += FILL_RECORDS) await append(store, FILL_RECORDS)
    return store
  }
  const paid = sqliteStore({ path: join(folder, 'paid.db') })
  const accounts = await openAccounts(paid, 10)
  await paymentRate(paid, { payers: VERIFIED_PAYERS, forMs: quick ? 20 : 4_000, accounts })
  const world: World = {
    small: await trail('small.db', SMALL_TRAIL),
    large: await trail('large.db', quick ? SMALL_TRAIL : LARGE_TRAIL),
    paid,
    records: await everyRecord(paid),
    forMs: quick ? 20 : 600,
  }
  return {
    round: () => round(world),
    async close() {
      for (const store of [world.small, world.large, world.paid]) await store.close()
    },
  }
}

async function round({ small, large, paid, records, forMs }: World): Promise<Round> {
  const atSmall = await appendRate(small, forMs)
  const atLarge = await appendRate(large, forMs)
  const atSmallAgain = await appendRate(small, forMs)
  const bareBefore = chainRate(records)
  const startedAt = performance.now()
  const verified = await verifyLedger(paid)
  const rate = (records.length * 1_000) / (performance.now() - startedAt)
  if (!verified.ok) throw new Error(verified.reason)
  const bare = (bareBefore + chainRate(records)) / 2
  return {
    values: { [growth]: atLarge / ((atSmall + atSmallAgain) / 2), [verification]: rate / bare },
    yardsticks: {
      'hashes of a bare chain a second': bare,
      'records verified a second': rate,
      'records of the verified trail': records.length,
      'records appended a second at 10,000 records': (atSmall + atSmallAgain) / 2,
    },
  }
}

function append(store: Store, count: number): Promise<unknown> {
  const event = {
    type: 'session-locked',
    session: 'ses_00000000000000000000000000000000',
    delegation: 'del_00000000000000000000000000000000',
    reason: 'a benchmark writes records of about the size that those of a payment have: '.repeat(6),
  } as const
  const events = Array.from({ length: count }, () => event)
  return store.commit({}, () => ({ result: undefined, events }), 'now')
}

async function appendRate(store: Store, forMs: number): Promise<number> {
  const startedAt = performance.now()
  let appended = 0
  const writer = async (): Promise<void> => {
    for (; performance.now() - startedAt < forMs; appended += 1) await append(store, 1)
  }
  await Promise.all(Array.from({ length: APPENDS_AT_ONCE }, writer))
  return (appended * 1_000) / (performance.now() - startedAt)
}

/** Measures the lower bound of verifying: hashing the same bytes one after the other. */
function chainRate(records: readonly AuditRecord[]): number {
  const startedAt = performance.now()
  let previous = '0'.repeat(64)
  for (const { seq, at, body } of records) {
    const sha256 = hash('sha256', body, 'hex')
    previous = hash('sha256', `${previous}\n${seq}\n${at}\n${sha256}`, 'hex')
  }
  if (previous !== records.at(-1)?.hash) throw new Error('The chain is not the one of the trail.')
  return (records.length * 1_000) / (performance.now() - startedAt)
}

async function everyRecord(store: Store): Promise<readonly AuditRecord[]> {
  const records: AuditRecord[] = []
  for (let after: string | undefined; ; ) {
    const page = await store.audit({ after, limit: MAX_PAGE })
    records.push(...page.rows)
    if (page.cursor === undefined) return records
    after = page.cursor
  }
}
