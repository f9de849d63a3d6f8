import { join } from 'node:path'
import type { Store } from '@bursar/core'
import { openDatabase } from '../../packages/stores/sqlite/src/database/open-database.ts'
import { storeOn } from '../../packages/stores/sqlite/src/sqlite-store.ts'
import { type Account, openAccounts } from './accounts.ts'
import { against } from './against.ts'
import { atLeast, atMost, type Bench, type Plan, type Round, type Running } from './bench.ts'
import { type CountedDatabase, countedDatabase } from './counted-database.ts'
import { type OneRowCommit, oneRowCommit } from './one-row-commit.ts'
import { paymentRate } from './payment-rate.ts'
import { ungrouped } from './ungrouped.ts'

/** The number of sessions that payments are spread over. */
const MANY_SESSIONS = 1_000

/** The number of concurrent payers, for which grouping matters most. */
const MOST_PAYERS = 256

const hot = (payers: number): string => `SQLite / one-row commit, one session, payers: ${payers}`
const many = (payers: number): string =>
  `SQLite / one-row commit, 1,000 sessions, payers: ${payers}`
const durable = (payers: number): string => `SQLite durable commits a payment, payers: ${payers}`
const batched = `SQLite batched / unbatched, payers: ${MOST_PAYERS}`

/** The benchmark of the SQLite store's throughput, relative to one-row commits on the same disk. */
export const sqliteBench: Bench = {
  name: 'sqlite',
  targets: [
    atLeast(hot(1), 0.6),
    atLeast(hot(16), 3),
    atLeast(hot(256), 6),
    atLeast(many(1), 0.5),
    atLeast(many(16), 1.5),
    atLeast(many(256), 3),
    atMost(durable(1), 1.05),
    atMost(durable(16), 0.1),
    atLeast(batched, 4),
  ],
  open,
}

interface World {
  readonly store: Store
  readonly database: CountedDatabase
  readonly yardstick: OneRowCommit
  readonly accounts: readonly Account[]
  readonly forMs: number
}

async function open({ folder, quick }: Plan): Promise<Running> {
  const path = join(folder, 'payments.db')
  const database = countedDatabase(openDatabase(path))
  const store = storeOn(database, { path, clock: Date.now })
  const yardstick = oneRowCommit(join(folder, 'one-row.db'))
  const accounts = await openAccounts(store, quick ? 10 : MANY_SESSIONS)
  const world = { store, database, yardstick, accounts, forMs: quick ? 20 : 600 }
  return {
    round: () => round(world),
    async close() {
      await store.close()
      yardstick.close()
    },
  }
}

async function round(world: World): Promise<Round> {
  const { store, accounts, yardstick, database, forMs } = world
  const commits: Record<string, number> = {}
  const line = (name: string, payers: number, spread: readonly Account[]) => ({
    name,
    async measure(): Promise<number> {
      const before = database.durableCommits()
      const { rate, paid } = await paymentRate(store, { payers, forMs, accounts: spread })
      commits[name] = (database.durableCommits() - before) / paid
      return rate
    },
  })
  const one = accounts.slice(0, 1)
  const single = {
    name: batched,
    measure: async () =>
      (await paymentRate(ungrouped(store), { payers: MOST_PAYERS, forMs, accounts: one })).rate,
  }
  const compared = await against(
    async () => yardstick.rate(forMs / 3),
    [
      ...[1, 16, 256].map((payers) => line(hot(payers), payers, one)),
      ...[1, 16, 256].map((payers) => line(many(payers), payers, accounts)),
      single,
    ],
  )
  const { ratios, rates } = compared
  const most = rates[hot(MOST_PAYERS)] ?? Number.NaN
  return {
    values: {
      ...ratios,
      [durable(1)]: commits[hot(1)] ?? Number.NaN,
      [durable(16)]: commits[hot(16)] ?? Number.NaN,
      [batched]: most / (rates[batched] ?? Number.NaN),
    },
    yardsticks: {
      'one-row commits of SQLite a second': compared.yardstick,
      'payments a second on SQLite, one session, 256 payers': most,
    },
  }
}
