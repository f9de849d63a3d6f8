import { connect, connectEndUser, connectManagement } from '@bursar/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProcess } from '../examples/service/src/child-process.ts'
import {
  type GuardProcess,
  openWorld,
  type ServiceKeys,
  type World,
} from '../examples/service/src/world.ts'
import { everyRow, ledgerGuard } from './service/ledger-guard.ts'
import type { Deeds, Loot } from './service/loot.ts'
import { scanProcess } from './service/process-memory.ts'
import { secret } from './service/secret.ts'

/** The time limit: the hostile agent sends some thousand requests. */
const BUDGET_MS = 120_000

/** The budget of the hostile agent's session: 20 payments of one cent. */
const BUDGET = '0.20'

let world: World
let keys: ServiceKeys
let guard: GuardProcess

beforeAll(async () => {
  world = await openWorld()
  keys = await world.issueKeys()
  guard = await world.startGuard()
})

afterAll(() => world.stop())

async function newSession(who: 'alice' | 'bob', payer: string, total: string, always: boolean) {
  const person = connectEndUser({ url: guard.url, key: keys[who].key })
  const { host } = world.sandbox.merchants.honest
  const delegation = await person.grantDelegation({
    agent: 'researcher',
    instrument: `${who}-wallet`,
    expiresIn: '1d',
    merchants: [{ host }],
    ...(always ? { ask: { always: true } } : {}),
    consent: { how: 'test' },
    limits: { currency: 'USD', total: '5.00' },
  })
  const application = connectManagement({ url: guard.url, key: keys.application.key })
  const limits = { currency: 'USD', total }
  const input = { delegation: delegation.id, expiresIn: '30m', limits, payer }
  return { delegation: delegation.id, ...(await application.createSession(input)) }
}

/** Starts a world in which Alice's agent is hostile, and Bob's payments need his approval. */
async function prepared() {
  const own = await newSession('alice', keys.agent.id, BUDGET, false)
  const other = await newSession('bob', keys.otherAgent.id, '3.00', true)
  const { url: market } = world.sandbox.merchants.honest
  const { url } = guard
  const asking = connect({ url, key: keys.otherAgent.key, token: other.token })
  const asked = await asking.pay({ url: `${market}/quote`, purpose: 'the price' }, {})
  if (asked.status !== 'approval_required') throw new Error(`Bob was not asked: ${asked.status}`)
  const hostile = Object.values(world.sandbox.merchants.hostile)
  const loot: Loot = {
    url,
    key: keys.agent.key,
    token: own.token,
    stolenToken: other.token,
    ids: {
      sessions: [own.id, other.id],
      keys: [keys.agent.id, keys.alice.id, keys.application.id, keys.otherAgent.id],
      delegations: [own.delegation, other.delegation],
      approvals: [asked.approval.id],
    },
    market,
    elsewhere: [
      ...hostile.map((merchant) => `${merchant.url}${merchant.resources[0]?.path ?? '/'}`),
      world.sandbox.rpcUrl,
    ],
  }
  return { own, other, approval: asked.approval.id, loot }
}

describe('an agent process that was taken over', () => {
  test(
    'spends what its session has, at its merchants, and changes nothing else',
    async () => {
      const { own, other, approval, loot } = await prepared()
      const script = new URL('./service/hostile-agent.ts', import.meta.url)
      const agent = startProcess(script, { LOOT: JSON.stringify(loot) })
      const { requests, routes } = JSON.parse(await agent.firstLine) as Deeds
      const { alice, bob, application, otherAgent } = keys
      const { found } = scanProcess(agent.pid, [
        secret("Alice's wallet", world.alice.privateKey),
        secret("Bob's wallet", world.bob.privateKey),
        ...Object.entries({ alice, bob, application, otherAgent }).map(([name, { key }]) =>
          secret(name, key),
        ),
      ])
      agent.kill('SIGKILL')
      expect(found).toEqual([])
      expect(requests[500] ?? 0).toBe(0)
      expect(routes.length).toBeGreaterThan(150)
      expect(requests[403]).toBeGreaterThan(500)

      guard.kill('SIGTERM')
      expect(await guard.ended).toBe(0)
      await expectHarmless({ own, other, approval })
    },
    BUDGET_MS,
  )
})

type Prepared = Awaited<ReturnType<typeof prepared>>

/** Checks chain and ledger alone, because the agent's own report proves nothing. */
async function expectHarmless({ own, other, approval }: Omit<Prepared, 'loot'>): Promise<void> {
  const { sandbox } = world
  const { payee, host } = sandbox.merchants.honest
  const transfers = await sandbox.transfers()
  const from = (address: string) => transfers.filter((one) => one.from === address)
  const paid = from(world.alice.address)
  expect(new Set(paid.map(({ to }) => to))).toEqual(new Set([payee]))
  expect(paid.reduce((sum, { value }) => sum + value, 0n)).toBe(200_000n)
  expect(from(world.bob.address)).toEqual([])
  for (const merchant of Object.values(sandbox.merchants.hostile)) {
    expect(merchant.payments, merchant.name).toEqual([])
  }
  // No signed payment can move any more, and each is proved.
  const ledger = await ledgerGuard(world)
  await ledger.reconcile()
  const { management, administration, auditing } = ledger
  expect(await management.exposure()).toMatchObject({ payments: [], complete: true })
  expect(await auditing.verify()).toMatchObject({ ok: true })
  const payments = await everyRow((page) => auditing.payments({}, page))
  const settled = payments.filter(({ state }) => state === 'settled')
  expect(settled.map(({ evidence }) => evidence?.transaction).toSorted()).toEqual(
    paid.map(({ transaction }) => transaction).toSorted(),
  )
  expect(new Set(payments.map(({ merchant }) => merchant))).toEqual(new Set([host]))
  expect(new Set(payments.map(({ delegation }) => delegation))).toEqual(new Set([own.delegation]))
  // The agent's own session has its old limits, has ended, and has no wider child.
  const mine = await everyRow((page) => management.sessions({ delegation: own.delegation }, page))
  const root = mine.find(({ id }) => id === own.id)
  expect(root).toMatchObject({ state: 'revoked', settled: BUDGET, held: '0.00' })
  expect(root?.limits.total).toBe(BUDGET)
  expect(mine.filter(({ limits }) => Number(limits.total) > Number(BUDGET))).toEqual([])
  expect(new Set(mine.map(({ payer }) => payer))).toEqual(new Set([keys.agent.id]))
  // The data of all other agents and end users is unchanged.
  const [bobs, ...more] = await everyRow((page) =>
    management.sessions({ delegation: other.delegation }, page),
  )
  expect(more).toEqual([])
  expect(bobs).toMatchObject({ id: other.id, state: 'open', settled: '0.00', held: '0.00' })
  const granted = await Promise.all(
    ['alice', 'bob'].map((who) => everyRow((page) => ledger.endUser(who).delegations(page))),
  )
  expect(
    granted.map((rows) => rows.map(({ id, state, limits }) => [id, state, limits.total])),
  ).toEqual([[[own.delegation, 'open', '5.00']], [[other.delegation, 'open', '5.00']]])
  const [waiting] = (await ledger.endUser('bob').approvals()).rows
  expect(waiting).toMatchObject({ id: approval, state: 'waiting' })
  const issued = await everyRow((page) => administration.keys(page))
  expect(issued.map(({ id, state, roles }) => [id, state, roles]).toSorted()).toEqual(
    [
      [keys.alice.id, 'live', ['end_user']],
      [keys.bob.id, 'live', ['end_user']],
      [keys.application.id, 'live', ['manager']],
      [keys.agent.id, 'live', ['payer']],
      [keys.otherAgent.id, 'live', ['payer']],
    ].toSorted(),
  )
  await ledger.close()
}
