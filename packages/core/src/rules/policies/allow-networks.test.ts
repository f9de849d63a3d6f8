import { expect, test } from 'vitest'
import { fakePolicyInput } from '../../testing/fake-policy-input.ts'
import { allowNetworks } from './allow-networks.ts'

test('allows the networks that it names, exactly', () => {
  const policy = allowNetworks(['eip155:8453'])
  const networks = ['eip155:8453', 'eip155:84532', 'eip155:1', 'EIP155:8453']
  const effects = networks.map(
    (network) => policy.evaluate(fakePolicyInput({ terms: { network } })).effect,
  )
  expect(effects).toEqual(['allow', 'deny', 'deny', 'deny'])
})
