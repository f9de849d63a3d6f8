import { type Approval, MAX_RECENT_APPROVALS } from '../../ledger/approval.ts'
import type { Session } from '../../ledger/session.ts'
import type { Store } from '../../ports/store.ts'
import { newId } from '../../primitives/id.ts'
import { everyRowOnBench, type StoreTest } from './bench.ts'
import {
  hardText,
  plantSample,
  sampleDelegation,
  sampleHashOf,
  sampleNote,
  sampleSession,
} from './samples.ts'

/** Tests that approvals are stored whole, changed in place, and found by id, by terms and by key. */
export function testApprovals(world: StoreTest): void {
  const { test, expect } = world
  testApprovalsOfRoots(world)
  testApprovalList(world)

  test('an approval is kept field by field, and changes in place', async ({ store }) => {
    const session = await plantedApprovals(store)
    const asked = sampleApproval(session, { key: sampleHashOf('key'), reason: hardText })
    await putApproval(store, asked)
    const { approval, session: brought, delegation } = await store.read({ approval: asked.id })
    expect([approval, brought?.id, delegation?.id]).toEqual([asked, session.id, session.delegation])
    const used: Approval = { ...asked, state: 'used', decidedAt: 7, payment: newId('pay') }
    await putApproval(store, used)
    expect((await store.read({ approval: asked.id })).approval).toEqual(used)
    expect((await store.read({ approval: newId('apr') })).approval).toEqual(undefined)
  })

  test('the terms of a session bring its latest approval of them, and its newest ones', async ({
    store,
  }) => {
    const session = await plantedApprovals(store)
    const other = await plantedApprovals(store)
    const terms = sampleHashOf('terms')
    const approvals = Array.from({ length: MAX_RECENT_APPROVALS + 2 }, (_, index) =>
      sampleApproval(session, { termsHash: index % 2 === 0 ? terms : sampleHashOf(`${index}`) }),
    )
    await putApproval(store, ...approvals, sampleApproval(other, { termsHash: terms }))
    const state = await store.read({ session: session.id, termsHash: terms })
    const ofTerms = approvals.filter(({ termsHash }) => termsHash === terms)
    expect(state.approval?.id).toBe(ofTerms.at(-1)?.id)
    expect(state.recentApprovals?.map(({ id }) => id)).toEqual(
      approvals
        .toReversed()
        .slice(0, MAX_RECENT_APPROVALS)
        .map(({ id }) => id),
    )
    const none = await store.read({ session: session.id, termsHash: sampleHashOf('no terms') })
    expect([none.approval, none.recentApprovals?.length]).toEqual([undefined, MAX_RECENT_APPROVALS])
    expect('recentApprovals' in (await store.read({ session: session.id }))).toBe(false)
  })

  test('a change sees what the one before it in the same batch asked', async ({ store }) => {
    const session = await plantedApprovals(store)
    const termsHash = sampleHashOf('terms')
    const ask = () =>
      store.commit(
        { session: session.id, termsHash },
        (state) => {
          const approval = state.approval ?? sampleApproval(session, { termsHash })
          const changed = state.approval
            ? {}
            : { approvals: [approval], events: [sampleNote('asked')] }
          return { result: approval.id, events: [], ...changed }
        },
        'now',
      )
    const ids = await Promise.all(Array.from({ length: 10 }, ask))
    expect(new Set(ids).size).toBe(1)
  })
}

function testApprovalList({ test, expect }: StoreTest): void {
  test('approvals are listed by end user, session, key and state, a page at a time', async ({
    store,
  }) => {
    const session = await plantedApprovals(store)
    const other = await plantedApprovals(store, 'bob')
    const key = sampleHashOf('key')
    const mine = [
      sampleApproval(session, { key }),
      sampleApproval(session, { state: 'denied' }),
      sampleApproval(session, {}),
    ]
    const theirs = sampleApproval(other, { endUser: 'bob', key })
    await putApproval(store, ...mine, theirs)
    const list = async (filter: Parameters<Store['approvals']>[0]) =>
      (await everyRowOnBench((page) => store.approvals(filter, page), 2)).map(({ id }) => id)
    const ids = mine.map(({ id }) => id)
    expect(await list({})).toEqual([...ids, theirs.id])
    expect(await list({ endUser: 'alice' })).toEqual(ids)
    expect(await list({ session: other.id })).toEqual([theirs.id])
    expect(await list({ session: session.id, key })).toEqual([ids[0]])
    expect(await list({ endUser: 'alice', states: ['denied', 'used'] })).toEqual([ids[1]])
  })
}

function testApprovalsOfRoots({ test, expect }: StoreTest): void {
  test('the newest ones are those of the root and all below it; an answer is a session’s own', async ({
    store,
  }) => {
    const root = await plantedApprovals(store)
    const { id: parent, delegation } = root
    const [left, right] = [
      sampleSession(delegation, { parent }),
      sampleSession(delegation, { parent }),
    ]
    const sessions = [left, right]
    await store.commit({}, () => ({ result: 0, sessions, events: [sampleNote('opened')] }), 'now')
    const termsHash = sampleHashOf('terms')
    const approvals = [left, right, root].map((one) =>
      sampleApproval(one, { root: root.id, termsHash }),
    )
    await putApproval(store, ...approvals)
    const newest = approvals.map(({ id }) => id).toReversed()
    for (const [index, { id: session }] of [left, right, root].entries()) {
      const state = await store.read({ session, termsHash })
      expect(state.approval).toEqual(approvals[index])
      expect(state.recentApprovals?.map(({ id }) => id)).toEqual(newest)
    }
    const asked = await store.commit(
      { session: left.id, termsHash },
      ({ approval, recentApprovals = [] }) => {
        const result = [approval?.id, ...recentApprovals.map(({ id }) => id)]
        return { result, events: [] }
      },
      'now',
    )
    expect(asked).toEqual([approvals[0]?.id, ...newest])
  })
}

async function plantedApprovals(store: Store, endUser = 'alice'): Promise<Session> {
  const delegation = sampleDelegation({ endUser })
  const session = sampleSession(delegation.id, { ask: { above: '0.05' } })
  await plantSample(store, { ...delegation, ask: { always: true } }, session)
  return session
}

async function putApproval(store: Store, ...approvals: readonly Approval[]): Promise<void> {
  await store.commit({}, () => ({ result: 0, approvals, events: [sampleNote('asked')] }), 'now')
}

function sampleApproval(session: Session, some: Partial<Approval>): Approval {
  return {
    id: newId('apr'),
    session: session.id,
    root: session.id,
    delegation: session.delegation,
    endUser: 'alice',
    state: 'waiting',
    termsHash: sampleHashOf('other terms'),
    card: {
      amount: '0.01',
      currency: 'USD',
      merchant: 'shop.example',
      payee: `0x${'ab'.repeat(20)}`,
      network: 'eip155:8453',
      resource: 'GET /a',
      agent: 'researcher',
      agentSays: hardText,
    },
    reason: 'every payment asks',
    createdAt: 1,
    expiresAt: 2,
    ...some,
  }
}
