import { describe, expect, test } from 'vitest'
import type { Delegation } from '../ledger/delegation.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import { type Limits, limitsInput, noUsage } from '../money/limits.ts'
import { summarizeDelegationAccount } from './account-summary.ts'

const NOW = Date.UTC(2030, 0, 1)
const limits: Limits = {
  currency: 'USD',
  totalMicro: 1_000_000n,
  perPaymentMicro: 100_000n,
  payments: 20,
  windows: [
    { per: 'hour', amountMicro: 500_000n, payments: 10 },
    { per: 'utc-day', payments: 15 },
    { per: 'minute', amountMicro: 1n },
  ],
}
const written = {
  currency: 'USD',
  total: '1.00',
  perPayment: '0.10',
  payments: 20,
  windows: [
    { per: 'hour', amount: '0.50', payments: 10 },
    { per: 'utc-day', payments: 15 },
    { per: 'minute', amount: '0.000001' },
  ],
}
const usage = { ...noUsage, settledMicro: 50_000n, heldMicro: 10_000n, payments: 3 }
const spent = { limits: written, settled: '0.05', held: '0.01', remaining: '0.94', payments: 3 }

const delegation: Delegation = {
  id: 'del_1',
  endUser: 'alice',
  agent: 'researcher',
  instrument: 'alice-wallet',
  limits,
  usage,
  consent: { how: 'settings page', reference: 'form-7' },
  createdAt: NOW,
  expiresAt: NOW + 1_000,
}

describe('limits', () => {
  test('are written as they were given: what is written is read back to the same', () => {
    expect(recordedLimits(limits)).toEqual(written)
    expect(limitsInput.parse(recordedLimits(limits))).toEqual(limits)
    const least: Limits = { currency: 'EUR', totalMicro: 1n, windows: [] }
    expect(recordedLimits(least)).toEqual({ currency: 'EUR', total: '0.000001' })
  })

  test('up to 10^12 units are written whole', () => {
    const most: Limits = { currency: 'USD', totalMicro: 999_999_999_999_999_999n, windows: [] }
    expect(recordedLimits(most).total).toBe('999999999999.999999')
  })
})

describe('a delegation', () => {
  test('is summed up with its consent', () => {
    expect(summarizeDelegationAccount(delegation, NOW)).toEqual({
      id: 'del_1',
      endUser: 'alice',
      agent: 'researcher',
      instrument: 'alice-wallet',
      state: 'open',
      consent: { how: 'settings page', reference: 'form-7' },
      createdAt: '2030-01-01T00:00:00.000Z',
      expiresAt: '2030-01-01T00:00:01.000Z',
      ...spent,
    })
  })

  test.each<[string, Partial<Delegation>, number]>([
    ['open', {}, NOW + 999],
    ['expired', {}, NOW + 1_000],
    ['revoked', { revokedAt: NOW }, NOW],
    ['revoked', { revokedAt: NOW }, NOW + 1_000],
  ])('is %s: %j', (state, change, now) => {
    expect(summarizeDelegationAccount({ ...delegation, ...change }, now).state).toBe(state)
  })

  test('names its merchants, if it lists them', () => {
    const merchants = [{ host: 'shop.example' }]
    expect(summarizeDelegationAccount({ ...delegation, merchants }, NOW).merchants).toEqual(
      merchants,
    )
  })
})
