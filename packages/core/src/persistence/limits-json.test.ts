import { expect, test } from 'vitest'
import type { Limits, Usage } from '../money/limits.ts'
import { limitsJson, parseLimits, parseWindows, windowsJson } from './limits-json.ts'

const most = 2n ** 80n

const full: Limits = {
  currency: 'USD',
  totalMicro: most,
  perPaymentMicro: most - 1n,
  payments: 7,
  windows: [
    { per: 'hour', amountMicro: 1n, payments: 2 },
    { per: 'utc-day', payments: 3 },
  ],
  perMerchant: { totalMicro: most - 2n, payments: 4, windows: [{ per: 'day', amountMicro: 5n }] },
}

test.each<[string, Limits]>([
  ['all of them', full],
  ['a total alone', { currency: 'EUR', totalMicro: 0n, windows: [] }],
  ['an empty limit per merchant', { ...full, perMerchant: { windows: [] } }],
])('%s come back from JSON as they were, to the last unit', (_what, limits) => {
  const text = JSON.parse(JSON.stringify(limitsJson(limits)))
  expect(parseLimits(text, limits.totalMicro)).toEqual(limits)
})

test('the total is left to its column', () => {
  expect(JSON.stringify(limitsJson(full))).not.toContain(`"${most}"`)
})

test('buckets come back as they were, and no windows are nothing', () => {
  const windows: Usage['windows'] = [
    [
      { index: 1, amountMicro: most, payments: 2 },
      { index: 2, amountMicro: 0n, payments: 0 },
    ],
    [],
  ]
  expect(parseWindows(windowsJson(windows) ?? '')).toEqual(windows)
  expect(windowsJson([])).toBeNull()
})
