import { describe, expect, test } from 'vitest'
import { fakePolicyInput } from '../../testing/fake-policy-input.ts'
import { allowUpTo } from './allow-up-to.ts'
import { askAbove } from './ask-above.ts'

describe.each([
  ['allowUpTo', allowUpTo, 'deny'],
  ['askAbove', askAbove, 'ask'],
] as const)('%s', (_name, policyOf, above) => {
  const policy = policyOf({ currency: 'USD', amount: '0.01' })
  const effectOf = (amountMicro: bigint, currency = 'USD') =>
    policy.evaluate(fakePolicyInput({ terms: { amountMicro, currency } })).effect

  test('draws its line above its amount, and at every other currency', () => {
    expect(effectOf(10_000n)).toBe('allow')
    expect(effectOf(10_001n)).toBe(above)
    expect(effectOf(1n, 'EUR')).toBe(above)
  })

  test.each(['', '0', '-1', '1e3'])('%j is no amount', (amount) => {
    const invalid = expect.objectContaining({ code: 'invalid_input' })
    expect(() => policyOf({ currency: 'USD', amount })).toThrow(invalid)
  })
})
