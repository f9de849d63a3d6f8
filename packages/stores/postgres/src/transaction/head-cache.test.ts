import type { Change, LedgerState, Payment, Scope, Session, Store, When } from '@bursar/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgresStore, storeOn } from '../postgres-store.ts'
import { cuttingProxy } from '../test-process/cutting-proxy.ts'
import { notedInLedger, sharedDelegation, sharedLedgerSession } from '../test-process/ledger.ts'
import { type TestPostgres, testPostgres } from '../test-process/postgres-server.ts'

let server: TestPostgres

beforeAll(async () => {
  server = await testPostgres()
})

afterAll(() => server.stop())

const TURNS = 40
const AT_ONCE = 4
const HOST = 'shop.example'
const events = [notedInLedger('x')]
const nothing = { result: undefined, events: [] }

/** Returns a source of numbers below a limit, the same ones in each run. */
function below(): (limit: number) => number {
  let seed = 7
  return (limit) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((seed / 2_147_483_648) * limit)
  }
}

function paymentOf({ id: session, delegation }: Session, id: string): Payment {
  return {
    id,
    session,
    delegation,
    endUser: sharedDelegation.endUser,
    instrument: sharedDelegation.instrument,
    state: 'reserved',
    terms: {
      rail: 'x402',
      scheme: 'exact',
      network: 'eip155:8453',
      asset: '0x1',
      currency: 'USD',
      atomic: 1n,
      amountMicro: 1n,
      payee: '0x2',
      host: HOST,
      requestHash: `request of ${session}`,
    },
    termsHash: 'terms',
    payer: '0x3',
    nonce: '0x4',
    path: '/',
    purpose: '',
    tokenHash: 'token',
    reservedAt: 1,
    tokenExpiresAt: 2,
    validBefore: 3,
    overrun: false,
  }
}

/** Holds one micro-unit in every account of a session, for a new payment. */
function holding(id: string): (state: LedgerState) => Change<undefined> {
  return ({ session, ancestors, delegation, endUser, merchant }) => {
    if (!session || !delegation) return nothing
    const more = <One extends { usage: Session['usage'] }>(one: One): One => {
      const { heldMicro, payments } = one.usage
      return { ...one, usage: { ...one.usage, heldMicro: heldMicro + 1n, payments: payments + 1 } }
    }
    const known = { delegation: delegation.id, host: HOST, payee: '0x2', payments: 0, troubled: 0 }
    return {
      result: undefined,
      sessions: [session, ...ancestors].map(more),
      delegations: [more(delegation)],
      ...(endUser ? { endUsers: [more(endUser)] } : {}),
      merchants: [{ ...known, payments: (merchant?.payments ?? 0) + 1 }],
      payments: [paymentOf(session, id)],
      events,
    }
  }
}

/** Opens the account of an end user, or writes its limits again. */
function limiting({ delegations = [], endUser }: LedgerState): Change<undefined> {
  const { endUser: name, limits } = sharedDelegation
  const [usage = sharedDelegation.usage] = delegations.map((one) => one.usage)
  const account = { id: `user:${name}`, endUser: name, limits, createdAt: 1 }
  const next = endUser ? { ...endUser, limits } : { ...account, usage: { ...usage, windows: [] } }
  return { result: undefined, endUsers: [next], events }
}

test('cached rows are those of the database, whatever happens in between', async () => {
  const proxy = await cuttingProxy(server.url)
  const [schema, connections] = ['known_rows', 2]
  const store = storeOn({ url: proxy.url, schema, connections }, undefined)
  const other = postgresStore({ url: server.url, schema, connections })
  const pick = below()
  const sessions = [
    sharedLedgerSession('ses_0', 10_000n),
    sharedLedgerSession('ses_1', 10_000n, 'ses_0'),
  ]
  const payments: string[] = []
  let made = 0
  const planted = { delegations: [sharedDelegation], sessions: [...sessions], events }
  await other.commit({}, () => ({ result: 0, ...planted }), 'now')

  const hold = async (on: Store, session: string, when: When): Promise<void> => {
    made += 1
    const id = `pay_${made}`
    const scope = { session, host: HOST, requestHash: `request of ${session}` }
    await on.commit(scope, holding(id), when)
    payments.push(id)
  }
  const step = async (on: Store, kind: number): Promise<void> => {
    const session = sessions[pick(sessions.length)]?.id ?? ''
    const when = pick(2) === 0 ? 'now' : 'soon'
    const commit = (scope: Scope, change: (state: LedgerState) => Change<undefined>) =>
      on.commit(scope, change, when)
    if (kind <= 3) {
      await hold(on, session, when)
    } else if (kind === 4 && payments.length > 0) {
      const payment = payments[pick(payments.length)] ?? ''
      const settled = (one: Payment): Payment => ({ ...one, state: 'claimed', claimedAt: 4 })
      await commit({ payment, host: HOST }, (state) =>
        state.payment ? { ...nothing, payments: [settled(state.payment)], events } : nothing,
      )
    } else if (kind === 5) {
      await commit({ endUser: sharedDelegation.endUser }, limiting)
    } else if (kind === 6) {
      const child = sharedLedgerSession(`ses_${sessions.length}`, 10_000n, 'ses_0')
      sessions.push(child)
      await commit({ session: 'ses_0' }, () => ({ ...nothing, sessions: [child], events }))
    } else if (kind === 7) {
      // A commit that cannot be written is rejected alone.
      const broken = ({ session: one }: LedgerState): Change<undefined> => {
        const usage = { ...sharedDelegation.usage, heldMicro: 2n ** 60n }
        return one ? { ...nothing, sessions: [{ ...one, usage }], events } : nothing
      }
      await expect(commit({ session }, broken)).rejects.toMatchObject({ code: 'invariant_broken' })
    } else if (on === store) {
      proxy.cutAtCommit(pick(2) === 0 ? 'before' : 'after')
      await hold(on, session, 'now')
    }
  }
  for (let turn = 0; turn < TURNS; turn += 1) {
    const steps = Array.from({ length: AT_ONCE }, () =>
      step(pick(4) === 0 ? other : store, pick(9)),
    )
    await Promise.all(steps)
    const session = sessions[pick(sessions.length)]?.id ?? ''
    const scopes: readonly Scope[] = [
      { session, host: HOST, requestHash: `request of ${session}` },
      { payment: payments[pick(payments.length)] ?? 'none', host: HOST },
      { endUser: sharedDelegation.endUser },
    ]
    for (const scope of scopes) {
      const remembered = await store.commit(
        scope,
        (state) => ({ ...nothing, result: state }),
        'now',
      )
      expect(remembered).toEqual(await other.read(scope))
    }
  }
  expect(proxy.cuts()).toBeGreaterThan(0)
  for (const one of [store, other, proxy]) await one.close()
})
