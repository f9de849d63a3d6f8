import { expect, test } from 'vitest'
import { fakePolicyInput } from '../../testing/fake-policy-input.ts'
import { allowPayees } from './allow-payees.ts'

test('allows the payees that it names, in any case, and no others', () => {
  const policy = allowPayees(['0xAbCd', '0x02'])
  const payees = ['0xabcd', '0xABCD', '0x02', '0x0', '0x022', '']
  const effects = payees.map(
    (payee) => policy.evaluate(fakePolicyInput({ terms: { payee } })).effect,
  )
  expect(effects).toEqual(['allow', 'allow', 'allow', 'deny', 'deny', 'deny'])
})
