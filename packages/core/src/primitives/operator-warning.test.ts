import { afterEach, expect, test, vi } from 'vitest'
import { BursarError } from './errors.ts'
import { warnOperator } from './operator-warning.ts'

const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
afterEach(() => void emitWarning.mockClear())

test.each([
  ['it was refused', [], 'paymentTools: it was refused'],
  ['a call failed', [new Error('disk full')], 'paymentTools: a call failed: disk full'],
  [
    'a call failed',
    [new BursarError('store_failed', 'disk full')],
    'paymentTools: a call failed: store_failed: disk full',
  ],
  ['a call failed', ['a text'], 'paymentTools: a call failed: a text'],
])('tells the operator that %s', (what, error, warning) => {
  warnOperator('paymentTools', what, ...error)
  expect(emitWarning.mock.calls).toEqual([[warning, { type: 'BursarWarning' }]])
})
