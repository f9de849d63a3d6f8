import { expect, test } from 'vitest'
import { type Change, isOverrun } from '../ledger/ledger-state.ts'
import type { Payment } from '../ledger/payment.ts'

test.each([
  ['nothing', {}, false],
  ['a payment that was held', { payments: [{ overrun: false } as Payment] }, false],
  ['a payment whose hold was released', { payments: [{ overrun: true } as Payment] }, true],
  [
    'an archived payment',
    { events: [{ type: 'archived-payment-settled' }] as unknown as Change<0>['events'] },
    true,
  ],
])('a change that counts %s may go over its totals, or not', (_what, change, expected) => {
  expect(isOverrun({ result: 0, events: [], ...change })).toBe(expected)
})
