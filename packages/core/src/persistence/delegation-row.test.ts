import { expect, test } from 'vitest'
import type { Delegation } from '../ledger/delegation.ts'
import {
  assertSameDelegation,
  type DelegationRow,
  delegationJson,
  hasSameDelegationJson,
  parseDelegationRow,
} from './delegation-row.ts'

const bare: Delegation = {
  id: 'del_1',
  endUser: 'alice',
  agent: 'researcher',
  instrument: 'alice-wallet',
  limits: { currency: 'USD', totalMicro: 2n ** 60n, windows: [] },
  usage: { settledMicro: 1n, heldMicro: 2n, payments: 3, windows: [] },
  consent: { how: 'settings page' },
  createdAt: 1,
  expiresAt: 2,
}

const full: Delegation = {
  ...bare,
  merchants: [{ host: 'shop.example' }],
  ask: { always: true },
  permission: { id: 'policy_1', state: 'granted' },
  revokedAt: 3,
}

function rowOf(delegation: Delegation): DelegationRow {
  const { id, endUser, limits, usage, createdAt, expiresAt, revokedAt = null } = delegation
  const json = delegationJson(delegation)
  return {
    id,
    endUser,
    totalMicro: limits.totalMicro,
    usage,
    createdAt,
    expiresAt,
    revokedAt,
    json,
  }
}

test.each([
  ['with every field', full],
  ['with no optional field', bare],
])('a delegation %s comes back from its row', (_name, delegation) => {
  expect(parseDelegationRow(rowOf(delegation))).toStrictEqual(delegation)
})

test('the JSON is written again only if one of its fields was replaced', () => {
  const paid = { ...full, usage: { ...full.usage, payments: 4 }, revokedAt: 6 }
  expect(hasSameDelegationJson(full, paid)).toBe(true)
  const withdrawn: Delegation = { ...full, permission: { state: 'withdrawn' } }
  expect(hasSameDelegationJson(full, withdrawn)).toBe(false)
})

test('a delegation never changes its end user or its time of creation', () => {
  assertSameDelegation(full, { ...full, expiresAt: 9 })
  for (const change of [{ endUser: 'bob' }, { createdAt: 9 }]) {
    const [field] = Object.keys(change)
    expect(() => assertSameDelegation(full, { ...full, ...change })).toThrow(
      `The ${field} of delegation del_1 can never change.`,
    )
  }
})
