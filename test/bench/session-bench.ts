import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Store } from '@bursar/core'
import { sqliteStore } from '@bursar/store-sqlite'
import { type Account, openAccounts } from './accounts.ts'
import { atLeast, atMost, type Bench, type Plan, type Round, type Running } from './bench.ts'
import { jsonOf } from './child.ts'
import { paymentRate } from './payment-rate.ts'

/** The number of sessions in a large installation, and in a small one. */
const MANY_SESSIONS = 1_000_000
const SOME_SESSIONS = 1_000

/** The number of sessions that one process has open at the same time. */
const OPEN_SESSIONS = 100_000

const PAYERS = 16

const memory = 'bytes of memory a session, at 100,000 open sessions'
const growth = 'SQLite payment rate at 1,000,000 sessions / at 1,000'

/** The benchmark of the memory and the speed of many open sessions. */
export const sessionBench: Bench = {
  name: 'session',
  targets: [atMost(memory, 2_048), atLeast(growth, 0.9)],
  open,
}

interface World {
  readonly some: Store
  readonly someAccounts: readonly Account[]
  readonly many: Store
  readonly manyAccounts: readonly Account[]
  readonly path: string
  readonly tokensPath: string
  readonly forMs: number
}

async function open({ folder, quick }: Plan): Promise<Running> {
  const path = join(folder, 'many.db')
  const tokensPath = join(folder, 'tokens.txt')
  const some = sqliteStore({ path: join(folder, 'some.db') })
  const many = sqliteStore({ path })
  const someAccounts = await openAccounts(some, quick ? 10 : SOME_SESSIONS)
  const manyAccounts = await openAccounts(many, quick ? 100 : MANY_SESSIONS)
  const opened = manyAccounts.slice(0, OPEN_SESSIONS)
  writeFileSync(tokensPath, opened.map(({ token }) => token).join('\n'))
  const forMs = quick ? 20 : 600
  const world: World = { some, someAccounts, many, manyAccounts, path, tokensPath, forMs }
  return {
    round: () => round(world),
    async close() {
      await some.close()
      await many.close()
    },
  }
}

async function round(world: World): Promise<Round> {
  const { some, someAccounts, many, manyAccounts, forMs } = world
  const rate = async (store: Store, accounts: readonly Account[]): Promise<number> =>
    (await paymentRate(store, { payers: PAYERS, forMs, accounts })).rate
  const before = await rate(some, someAccounts)
  const atMany = await rate(many, manyAccounts)
  const atSome = (before + (await rate(some, someAccounts))) / 2
  const holder = fileURLToPath(new URL('./session-holder.ts', import.meta.url))
  const args = ['--expose-gc', holder, world.path, world.tokensPath]
  return {
    values: { [memory]: Number(await jsonOf(args, '.')), [growth]: atMany / atSome },
    yardsticks: { 'payments a second at 1,000 sessions, 16 payers': atSome },
  }
}
