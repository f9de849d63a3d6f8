import { expect, test } from 'vitest'
import { listDifferences } from './checks.ts'

test('differences name each claim that does not hold, with what must be and what is', () => {
  const checks = [
    { claim: 'one holds', expected: '1', actual: '1' },
    { claim: 'the ledger says what the chain says', expected: '0.02', actual: '0.01' },
  ]
  expect(listDifferences(checks)).toEqual([
    'the ledger says what the chain says: must be 0.02, is 0.01',
  ])
})
