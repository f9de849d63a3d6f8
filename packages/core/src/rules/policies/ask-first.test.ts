import { expect, test } from 'vitest'
import { fakePolicyInput } from '../../testing/fake-policy-input.ts'
import { askFirst } from './ask-first.ts'

test('asks until the merchant is known', () => {
  const effects = [false, true].map(
    (knownMerchant) => askFirst().evaluate(fakePolicyInput({ knownMerchant })).effect,
  )
  expect(effects).toEqual(['ask', 'allow'])
})
