import { fakeAsset, testPermissions } from '@bursar/core/testing'
import { describe, expect, test } from 'vitest'
import { type CustodyRule, type CustodyRules, custodyPermissions } from './custody-permissions.ts'

const request = {
  delegation: 'del_1',
  endUser: 'alice',
  agent: 'researcher',
  address: `0x${'a1'.repeat(20)}`,
  assets: [{ asset: fakeAsset, total: 2_000_000n, perPayment: 10_000n }],
  startsAt: 0,
  expiresAt: 1_000,
}

function provider(): CustodyRules {
  const rules = new Map<string, CustodyRule>()
  return {
    put: async (name, rule) => void rules.set(name, rule),
    list: async () => [...rules.keys()],
    remove: async (name) => void rules.delete(name),
  }
}

// #region conformance
testPermissions(
  'custodyPermissions',
  async () => ({ permissions: custodyPermissions(provider()), request }),
  { describe, test, expect },
)
// #endregion

test('a rule holds no more than the delegation', async () => {
  const put: CustodyRule[] = []
  const rules = {
    ...provider(),
    put: async (_name: string, rule: CustodyRule) => void put.push(rule),
  }
  await custodyPermissions(rules).grant({ ...request, payees: ['0x1'] })
  expect(put).toEqual([
    {
      from: request.address,
      token: fakeAsset.address,
      chain: fakeAsset.network,
      most: '10000',
      payees: ['0x1'],
      until: new Date(1_000),
    },
  ])
})
