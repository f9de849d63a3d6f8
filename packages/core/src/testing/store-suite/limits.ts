import { type EndUserAccount, endUserAccountId } from '../../ledger/end-user-account.ts'
import { type Limits, type MerchantUsage, noUsage } from '../../money/limits.ts'
import { newId } from '../../primitives/id.ts'
import type { StoreTest } from './bench.ts'
import {
  bigMicro,
  plantSample,
  sampleDelegation,
  sampleLimits,
  sampleNote,
  sampleSession,
} from './samples.ts'

const host = 'api.example.com'
const payee = `0x${'cd'.repeat(20)}`

const limited: Limits = {
  ...sampleLimits(bigMicro),
  perMerchant: {
    totalMicro: bigMicro - 1n,
    payments: 7,
    windows: [{ per: 'hour', amountMicro: bigMicro - 2n }],
  },
}

const spent = {
  settledMicro: bigMicro - 9n,
  heldMicro: 8n,
  payments: 3,
  windows: [[{ index: 473_352, amountMicro: 5n, payments: 2 }]],
}

/** Tests the accounts of end users, and usages at single merchants. */
export function testLimits(suite: StoreTest): void {
  const { test, expect } = suite
  test('a delegation brings the account of its end user', async ({ store, open }) => {
    const name = newId('del')
    const account = sampleLimitedEndUser(name)
    const [before, after] = [
      sampleDelegation({ endUser: name }),
      sampleDelegation({ endUser: name }),
    ]
    const elsewhere = sampleDelegation({ endUser: 'bob' })
    const session = sampleSession(before.id)
    await plantSample(store, before, session)
    await plantSample(store, elsewhere)
    expect((await store.read({ session: session.id })).endUser).toBe(undefined)
    expect(await store.read({ endUser: name })).toEqual({ ancestors: [], delegations: [before] })
    await store.commit(
      { endUser: name },
      () => ({ result: 0, endUsers: [account], events: [sampleNote('x')] }),
      'now',
    )
    await plantSample(store, after)
    for (const one of [store, await open()]) {
      expect((await one.read({ session: session.id })).endUser).toEqual(account)
      expect((await one.read({ delegation: after.id })).endUser).toEqual(account)
      expect((await one.read({ delegation: elsewhere.id })).endUser).toBe(undefined)
      expect(await one.read({ endUser: name })).toEqual({
        ancestors: [],
        endUser: account,
        delegations: [before, after],
      })
    }
  })
  test('an end user’s account is written again as a whole', async ({ store, open }) => {
    const name = newId('del')
    const delegation = sampleDelegation({ endUser: name })
    const account = sampleLimitedEndUser(name)
    const put = (endUser: EndUserAccount, reason: string) =>
      store.commit(
        { delegation: delegation.id },
        (state) => ({
          result: state.endUser,
          endUsers: [endUser],
          delegations: [delegation],
          events: [sampleNote(reason)],
        }),
        'now',
      )
    // The three commits run in one batch: each commit sees what the commit before it wrote.
    const next = { ...account, limits: sampleLimits(7n), usage: noUsage }
    const seen = await Promise.all([
      plantSample(store, delegation),
      put(account, 'first'),
      put(next, 'second'),
    ])
    expect(seen).toEqual([undefined, undefined, account])
    expect((await (await open()).read({ endUser: name })).endUser).toEqual(next)
    expect((await store.delegations({ endUser: name }, {})).rows).toEqual([delegation])
  })
  testLimitUsages(suite)
}

function testLimitUsages({ test, expect }: StoreTest): void {
  test('host and payee bring what limited accounts have spent there', async ({ store, open }) => {
    const name = newId('del')
    const endUser = { ...sampleLimitedEndUser(name), limits: limited }
    const delegation = sampleDelegation({ endUser: name })
    const root = sampleSession(delegation.id, { limits: limited })
    const child = sampleSession(delegation.id, { parent: root.id })
    const [free, other] = [sampleSession(delegation.id), sampleSession(delegation.id)]
    await plantSample(store, delegation, root, child, free, { ...other, limits: limited })
    const at = (account: string, some: Partial<MerchantUsage> = {}): MerchantUsage => {
      return { account, host, payee, usage: spent, ...some }
    }
    const own = [at(root.id), at(endUser.id)]
    const others = [
      at(other.id),
      at(root.id, { host: 'example.com' }),
      at(root.id, { payee: `0x${'ce'.repeat(20)}` }),
    ]
    const merchantUsages = [...own, ...others]
    await store.commit(
      { endUser: name },
      () => ({ result: 0, endUsers: [endUser], merchantUsages, events: [sampleNote('x')] }),
      'now',
    )
    const scope = { session: child.id, host, payee }
    for (const one of [store, await open()]) {
      expect((await one.read(scope)).merchantUsages).toEqual(own)
      expect((await one.read({ endUser: name, host, payee })).merchantUsages).toEqual([own[1]])
      const never = { ...scope, host: 'never.example.com' }
      expect((await one.read(never)).merchantUsages).toEqual([])
      expect('merchantUsages' in (await one.read({ session: child.id, host }))).toBe(false)
    }
    const released = { ...own[0], usage: noUsage } as MerchantUsage
    await store.commit(
      scope,
      (state) => ({ result: state, merchantUsages: [released], events: [sampleNote('y')] }),
      'now',
    )
    expect((await (await open()).read(scope)).merchantUsages).toEqual([released, own[1]])
  })
  test('no merchant gets more than its limit, by however many at once', async ({ store, open }) => {
    const name = newId('del')
    const delegation = sampleDelegation({ endUser: name })
    const sessions = [sampleSession(delegation.id), sampleSession(delegation.id)]
    const endUser = { ...sampleLimitedEndUser(name), limits: limited, usage: noUsage }
    await plantSample(store, delegation, ...sessions)
    await store.commit(
      { endUser: name },
      () => ({ result: 0, endUsers: [endUser], events: [sampleNote('x')] }),
      'now',
    )
    const stores = [store, await open()]
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        (stores[index % 2] ?? store).commit(
          { session: sessions[index % 2]?.id ?? '', host, payee },
          (state) => {
            const known = state.merchantUsages?.find(({ account }) => account === endUser.id)
            const payments = (known?.usage.payments ?? 0) + 1
            if (payments > 7 || !state.endUser) return { result: 'over', events: [] }
            const usage = { ...(known?.usage ?? noUsage), payments }
            return {
              result: 'reserved',
              endUsers: [{ ...state.endUser, usage: { ...state.endUser.usage, payments } }],
              merchantUsages: [{ account: endUser.id, host, payee, usage }],
              events: [sampleNote('paid')],
            }
          },
          'now',
        ),
      ),
    )
    expect(results.filter((result) => result === 'reserved').length).toBe(7)
    expect((await store.read({ endUser: name })).endUser?.usage.payments).toBe(7)
  })
}

function sampleLimitedEndUser(endUser: string): EndUserAccount {
  const { perMerchant: _, ...limits } = limited
  return {
    id: endUserAccountId(endUser),
    endUser,
    limits: { ...limits, windows: [{ per: 'hour', payments: 4 }] },
    usage: spent,
    createdAt: 1_900_000_000_001,
  }
}
