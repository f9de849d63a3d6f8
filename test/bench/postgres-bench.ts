import type { Store } from '@bursar/core'
import { postgresStore } from '@bursar/store-postgres'
import {
  type TestPostgres,
  testPostgres,
} from '../../packages/stores/postgres/src/test-process/postgres-server.ts'
import { type Account, openAccounts } from './accounts.ts'
import { against } from './against.ts'
import { atLeast, type Bench, type Plan, type Round, type Running } from './bench.ts'
import { paymentRate } from './payment-rate.ts'
import { type Tpcb, tpcb } from './tpcb.ts'
import { ungrouped } from './ungrouped.ts'

/** The number of sessions that payments are spread over. */
const MANY_SESSIONS = 1_000

const PAYERS = 256

/** The number of connections that commit without grouping: more only wait for the same locks. */
const UNGROUPED_CONNECTIONS = 16

const hot = 'PostgreSQL / TPC-B-like script, one session, payers: 256'
const many = 'PostgreSQL / TPC-B-like script, 1,000 sessions, payers: 256'
const single = 'PostgreSQL / one-row commit, one session, payers: 1'
const batchedHot = 'PostgreSQL batched / unbatched, one session, payers: 256'
const batchedMany = 'PostgreSQL batched / unbatched, 1,000 sessions, payers: 256'

/**
 * The benchmark of the PostgreSQL store's throughput, relative to plain statements on its server.
 */
export const postgresBench: Bench = {
  name: 'postgres',
  targets: [
    atLeast(hot, 10),
    atLeast(many, 8),
    atLeast(single, 0.25),
    atLeast(batchedHot, 20),
    atLeast(batchedMany, 5),
  ],
  open,
}

interface World {
  readonly yardstick: Tpcb
  readonly store: Store
  readonly ungrouped: readonly Store[]
  readonly accounts: readonly Account[]
  readonly forMs: number
}

async function open({ quick }: Plan): Promise<Running> {
  const server: TestPostgres = await testPostgres({ durable: true })
  const yardstick = await tpcb(server.url)
  const store = postgresStore({ url: server.url })
  const accounts = await openAccounts(store, quick ? 10 : MANY_SESSIONS)
  const others = Array.from({ length: UNGROUPED_CONNECTIONS }, () =>
    postgresStore({ url: server.url, connections: 2 }),
  )
  const forMs = quick ? 50 : 600
  const world = { yardstick, store, ungrouped: others.map(ungrouped), accounts, forMs }
  return {
    round: () => round(world),
    async close() {
      for (const one of [store, ...others]) await one.close()
      await yardstick.close()
      await server.stop()
    },
  }
}

async function round({ store, yardstick, forMs, accounts, ...world }: World): Promise<Round> {
  const one = accounts.slice(0, 1)
  const line = (name: string, payers: number, spread: readonly Account[]) => ({
    name,
    measure: async () => (await paymentRate(store, { payers, forMs, accounts: spread })).rate,
  })
  const alone = (name: string, spread: readonly Account[]) => ({
    name,
    async measure(): Promise<number> {
      const payers = PAYERS / world.ungrouped.length
      const rates = world.ungrouped.map(async (other) => {
        const { rate } = await paymentRate(other, { payers, forMs, accounts: spread })
        return rate
      })
      return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0)
    },
  })
  const pooled = await against(
    () => yardstick.rate(forMs / 2),
    [
      line(hot, PAYERS, one),
      line(many, PAYERS, accounts),
      alone(batchedHot, one),
      alone(batchedMany, accounts),
    ],
  )
  const oneByOne = await against(() => yardstick.oneRowRate(forMs / 2), [line(single, 1, one)])
  const { ratios, rates } = pooled
  const batched = (name: string, lonely: string): number =>
    (rates[name] ?? Number.NaN) / (rates[lonely] ?? Number.NaN)
  return {
    values: {
      ...ratios,
      ...oneByOne.ratios,
      [batchedHot]: batched(hot, batchedHot),
      [batchedMany]: batched(many, batchedMany),
    },
    yardsticks: {
      'TPC-B-like transactions a second, 32 clients': pooled.yardstick,
      'one-row commits of PostgreSQL a second': oneByOne.yardstick,
      'payments a second on PostgreSQL, one session, 256 payers': rates[hot] ?? Number.NaN,
    },
  }
}
