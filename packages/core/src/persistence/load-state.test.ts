import { expect, test } from 'vitest'
import { sampleDelegation, samplePayment, sampleSession } from '../testing/store-suite/samples.ts'
import { type Lookups, loadState } from './load-state.ts'

/** Lookups that find nothing, but for those that a test gives. */
function lookups(found: Partial<Lookups> = {}): Lookups {
  return {
    session: () => undefined,
    delegation: () => undefined,
    payment: () => undefined,
    key: () => undefined,
    twin: () => undefined,
    ownTwin: () => undefined,
    merchant: () => undefined,
    merchantUsage: () => undefined,
    instrument: () => undefined,
    endUser: () => undefined,
    delegationsOf: () => [],
    approval: () => undefined,
    latestApproval: () => undefined,
    recentApprovals: () => [],
    credential: () => undefined,
    operation: () => undefined,
    ...found,
  }
}

function byId<Row extends { readonly id: string }>(...rows: readonly Row[]) {
  return (id: string): Row | undefined => rows.find((row) => row.id === id)
}

const delegation = sampleDelegation()
const root = sampleSession(delegation.id)
const child = sampleSession(delegation.id, { parent: root.id })
const accounts = { session: byId(root, child), delegation: byId(delegation) }

test('an empty scope has no rows', () => {
  expect(loadState(lookups(), {})).toEqual({ ancestors: [] })
})

test('a session brings its ancestors and its delegation', () => {
  const state = loadState(lookups(accounts), { session: child.id })
  expect(state).toEqual({ session: child, ancestors: [root], delegation })
})

test('a session whose parent is not there breaks an invariant', () => {
  const orphan = lookups({ ...accounts, session: byId(child) })
  expect(() => loadState(orphan, { session: child.id })).toThrow(`names the parent ${root.id}`)
})

test('a key brings the payment that it is pinned to', () => {
  const payment = samplePayment(child)
  const key = { session: child.id, key: 'key', requestHash: 'hash', refusals: 0 }
  const rows = { ...accounts, payment: byId(payment), key: () => ({ ...key, payment: payment.id }) }
  expect(loadState(lookups(rows), { session: child.id, key: 'key' }).payment).toBe(payment)
  // The payment that the scope names comes first, even if there is none of this id.
  const scope = { session: child.id, key: 'key', payment: 'pay_unknown' }
  expect(loadState(lookups(rows), scope).payment).toBeUndefined()
})

test('the own twin is looked up only if the twin is of another session', () => {
  const own = samplePayment(child, {}, 'request')
  const scope = { session: child.id, requestHash: 'request' }
  const never = (): never => {
    throw new Error('It was looked up.')
  }
  const alone = lookups({ ...accounts, twin: () => own, ownTwin: never })
  expect(loadState(alone, scope)).toMatchObject({ twin: own })
  const other = samplePayment(root, {}, 'request')
  const both = lookups({ ...accounts, twin: () => other, ownTwin: () => own })
  expect(loadState(both, scope)).toMatchObject({ twin: other, ownTwin: own })
})

test('only accounts with limits for each merchant are asked what they have spent there', () => {
  const limits = { ...delegation.limits, perMerchant: { payments: 1, windows: [] } }
  const limited = { ...delegation, limits }
  const asked: string[] = []
  const rows = lookups({
    ...accounts,
    delegation: byId(limited),
    merchantUsage(account) {
      asked.push(account)
      return undefined
    },
  })
  const scope = { session: child.id, host: 'shop.example', payee: '0x2' }
  expect(loadState(rows, scope).merchantUsages).toEqual([])
  expect(asked).toEqual([delegation.id])
  expect(loadState(lookups(accounts), scope)).not.toHaveProperty('merchantUsages')
})

test('the approval that is named comes before the latest one of the terms', () => {
  const [named, latest] = [{ id: 'apr_1', session: child.id }, { id: 'apr_2' }]
  const rows = lookups({
    ...accounts,
    approval: (id) => (id === 'apr_1' ? (named as never) : undefined),
    latestApproval: () => latest as never,
    recentApprovals: (id) => [{ root: id } as never],
  })
  const terms = { session: child.id, termsHash: 'terms' }
  expect(loadState(rows, { ...terms, approval: 'apr_1' }).approval).toBe(named)
  expect(loadState(rows, { ...terms, approval: 'apr_9' }).approval).toBe(latest)
  expect(loadState(rows, terms)).toMatchObject({
    approval: latest,
    recentApprovals: [{ root: root.id }],
  })
  expect(loadState(rows, { approval: 'apr_1' })).toMatchObject({ approval: named, session: child })
})
