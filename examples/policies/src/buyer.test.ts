import { readFile } from 'node:fs/promises'
import { type FakePolicyChanges, fakePolicyInput } from '@bursar/core/testing'
import { cedarPolicy } from '@bursar/policy-cedar'
import { expect, test } from 'vitest'

// #region load
const policy = cedarPolicy({
  policies: await readFile(new URL('buyer.cedar', import.meta.url), 'utf8'),
  entities: [
    {
      uid: { type: 'Bursar::Agent', id: 'researcher' },
      attrs: {},
      parents: [{ type: 'Bursar::Group', id: 'buyers' }],
    },
  ],
})
// #endregion

const network = 'eip155:8453'
const host = 'api.example.com'
const decide = ({ terms, ...changes }: FakePolicyChanges = {}) =>
  policy.evaluate(fakePolicyInput({ ...changes, terms: { network, host, ...terms } }))

test.each<[string, FakePolicyChanges, string]>([
  ['a buyer, a small amount, the payee', {}, 'allow'],
  ['another agent', { agent: 'writer' }, 'deny: no policy permits it'],
  ['a larger amount', { terms: { amountMicro: 100_001n } }, 'deny: no policy permits it'],
  ['another network', { terms: { network: 'eip155:1' } }, 'deny: no policy permits it'],
  ['another payee', { terms: { payee: '0x1' } }, 'deny: no policy permits it'],
  ['another merchant', { terms: { host: 'other.example' } }, 'deny: no policy permits it'],
  ['writing', { method: 'POST' }, 'deny: forbidden by only reading'],
  ['little left', { remainingMicro: 99_999n }, 'ask: permitted by the last tenth of a budget'],
  ['a first payment', { knownMerchant: false }, 'ask: permitted by a new merchant'],
])('%s', (_what, changes, expected) => {
  const decision = decide(changes)
  const reason = decision.effect === 'allow' ? '' : `: ${decision.reason}`
  expect(`${decision.effect}${reason}`).toBe(expected)
})

test('rules are exchanged while the guard runs', async () => {
  const before = policy.name
  // #region reload
  policy.reload({ policies: 'forbid(principal, action, resource);' })
  // #endregion
  expect(policy.name).not.toBe(before)
  expect(decide().effect).toBe('deny')
})
