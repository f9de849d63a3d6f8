import { expect, test } from 'vitest'
import { fakePolicyInput } from '../../testing/fake-policy-input.ts'
import { allowMerchants } from './allow-merchants.ts'

test('allows the hosts that it names, exactly', () => {
  const policy = allowMerchants(['shop.example', 'shop.example:8443'])
  const hosts = ['shop.example', 'shop.example:8443', 'a.shop.example', 'shop.example.evil', '']
  const effects = hosts.map((host) => policy.evaluate(fakePolicyInput({ terms: { host } })).effect)
  expect(effects).toEqual(['allow', 'allow', 'deny', 'deny', 'deny'])
})
