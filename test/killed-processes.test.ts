import { connect, connectEndUser, connectManagement } from '@bursar/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChildProcess, startProcess } from '../examples/service/src/child-process.ts'
import {
  type GuardProcess,
  openWorld,
  type ServiceKeys,
  type World,
} from '../examples/service/src/world.ts'
import {
  type Fate,
  type HoldingMerchant,
  holdingMerchant,
  type Moment,
} from './service/holding-merchant.ts'
import { everyRow, ledgerGuard } from './service/ledger-guard.ts'

/** The time limit of a case, which starts processes. */
const BUDGET_MS = 120_000

let merchant: HoldingMerchant
let world: World
let keys: ServiceKeys
let guard: GuardProcess

beforeAll(async () => {
  merchant = await holdingMerchant()
  world = await openWorld({ hosts: [merchant.host] })
  merchant.passTo(world.sandbox.merchants.honest.address)
  keys = await world.issueKeys()
  guard = await world.startGuard()
})

afterAll(async () => {
  await world.stop()
  await merchant.stop()
})

interface Case {
  readonly killed: 'guard' | 'agent'
  readonly at: Moment
  /** The fate of the request that was in flight when the process was killed. */
  readonly fate: Fate
  /** The number of settled payments at the end: never two. */
  readonly settled: 0 | 1
}

// biome-ignore format: a table is read in columns.
const cases: readonly Case[] = [
  { killed: 'guard', at: 'asked',          fate: 'breaks',  settled: 1 },
  { killed: 'guard', at: 'priced',         fate: 'goes-on', settled: 1 },
  { killed: 'guard', at: 'proof-received', fate: 'breaks',  settled: 0 },
  { killed: 'guard', at: 'proof-received', fate: 'goes-on', settled: 1 },
  { killed: 'guard', at: 'settled',        fate: 'breaks',  settled: 1 },
  { killed: 'guard', at: 'settled',        fate: 'goes-on', settled: 1 },
  { killed: 'agent', at: 'asked',          fate: 'goes-on', settled: 1 },
  { killed: 'agent', at: 'priced',         fate: 'goes-on', settled: 1 },
  { killed: 'agent', at: 'proof-received', fate: 'breaks',  settled: 0 },
  { killed: 'agent', at: 'proof-received', fate: 'goes-on', settled: 1 },
  { killed: 'agent', at: 'settled',        fate: 'goes-on', settled: 1 },
]

/** Grants a delegation of its own to a case: a host whose payments stay in doubt would soon ask. */
async function grantDelegation(): Promise<string> {
  const alice = connectEndUser({ url: guard.url, key: keys.alice.key })
  const { id } = await alice.grantDelegation({
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '1d',
    merchants: [{ host: merchant.host }],
    consent: { how: 'test' },
    limits: { currency: 'USD', total: '5.00' },
  })
  return id
}

/** Kills the agent or the guard of one payment at a moment, and then repeats the call. */
async function killedPayment({ killed, at, fate }: Case, index: number): Promise<string> {
  const { url } = guard
  const application = connectManagement({ url, key: keys.application.key })
  const delegation = await grantDelegation()
  const limits = { currency: 'USD', total: '1.00' }
  const input = { delegation, expiresIn: '30m', limits, payer: keys.agent.id }
  const { id, token } = await application.createSession(input)
  const path = `/item/${index}`
  let agent: ChildProcess | undefined
  const held = merchant.holdOnce(path, at, async () => {
    const victim = killed === 'guard' ? guard : agent
    victim?.kill('SIGKILL')
    await victim?.ended
    return fate
  })
  const environment = {
    BURSAR_URL: url,
    BURSAR_KEY: keys.agent.key,
    BURSAR_TOKEN: token,
    RESOURCE: merchant.url + path,
  }
  agent = startProcess(new URL('./service/paying-agent.ts', import.meta.url), environment)
  await held
  if (killed === 'guard') guard = await world.startGuard(new URL(url).port)
  await agent.ended
  // The restarted agent repeats the call.
  const session = connect({ url, key: keys.agent.key, token })
  const call = { conversation: 'chat-1', id: 'call-1' }
  await session.pay({ url: merchant.url + path, purpose: 'a task' }, call)
  return id
}

describe('killing the guard or the agent through a payment', () => {
  test(
    'loses nothing and pays nothing twice',
    async () => {
      const sessions: string[] = []
      for (const [index, one] of cases.entries()) sessions.push(await killedPayment(one, index))
      guard.kill('SIGKILL')
      await guard.ended
      // From here on no signed payment can move, and each is proved.
      const ledger = await ledgerGuard(world)
      await ledger.reconcile()
      const payments = await everyRow((page) => ledger.auditing.payments({}, page))
      const found = cases.map((one, index) => {
        const own = payments.filter(({ session }) => session === sessions[index])
        const settled = own.filter(({ state }) => state === 'settled').length
        return { ...one, settled }
      })
      expect(found).toEqual(cases)
      expect(new Set(payments.map(({ state }) => state))).toEqual(new Set(['settled', 'released']))
      const transfers = (await world.sandbox.transfers()).filter(
        ({ from }) => from === world.alice.address,
      )
      expect(
        payments
          .flatMap(({ state, evidence }) => (state === 'settled' ? [evidence?.transaction] : []))
          .toSorted(),
      ).toEqual(transfers.map(({ transaction }) => transaction).toSorted())
      expect(await ledger.management.exposure()).toMatchObject({ payments: [] })
      expect(await ledger.auditing.verify()).toMatchObject({ ok: true })
      await ledger.close()
    },
    BUDGET_MS,
  )
})
