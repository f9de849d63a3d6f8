import { expect, test } from 'vitest'
import { type Limits, noUsage } from '../money/limits.ts'
import { limitEndUser } from '../rules/end-user-limits.ts'
import { sampleDelegation } from '../testing/store-suite/samples.ts'
import { type EndUserAccount, endUserAccountId } from './end-user-account.ts'

const AT = Date.UTC(2030, 0, 1)

const limits = (some: Partial<Limits> = {}): Limits => ({
  currency: 'USD',
  totalMicro: 1_000n,
  windows: [],
  ...some,
})

const spent = (settledMicro: bigint, heldMicro: bigint, payments: number, currency = 'USD') =>
  sampleDelegation({
    limits: limits({ currency }),
    usage: { settledMicro, heldMicro, payments, windows: [] },
  })

test('an account’s id is no id of a session or a delegation', () => {
  expect(endUserAccountId('alice')).toBe('user:alice')
})

test('what every delegation has spent in the currency counts from the beginning', () => {
  const delegations = [spent(30n, 2n, 3), spent(5n, 0n, 1), spent(400n, 0n, 9, 'EUR')]
  const windows = [{ per: 'utc-day' as const, payments: 9 }]
  const wanted = limits({ windows })
  const { result } = limitEndUser({ ancestors: [], delegations }, 'alice', wanted, undefined, AT)
  expect(result.usage).toEqual({
    settledMicro: 35n,
    heldMicro: 2n,
    payments: 4,
    windows: [[{ index: AT / 86_400_000, amountMicro: 37n, payments: 4 }]],
  })
})

test('a window that stays keeps what it counted, and one that begins counts everything', () => {
  const hour = { per: 'hour' as const, amountMicro: 9n }
  const kept = [{ index: 7, amountMicro: 1n, payments: 1 }]
  const endUser: EndUserAccount = {
    id: 'user:alice',
    endUser: 'alice',
    limits: limits({ windows: [hour] }),
    usage: { ...noUsage, settledMicro: 8n, payments: 2, windows: [kept] },
    createdAt: 5,
  }
  const state = { ancestors: [], endUser, delegations: [spent(8n, 0n, 2)] }
  const windows = [{ per: 'minute' as const, amountMicro: 9n }, hour]
  const { result } = limitEndUser(state, 'alice', limits({ windows }), undefined, AT)
  const begun = [{ index: AT / 1_000, amountMicro: 8n, payments: 2 }]
  expect(result).toMatchObject({ createdAt: 5, usage: { windows: [begun, kept] } })
})

test('a total below what is committed, and another currency, are refused', () => {
  const delegations = [spent(30n, 2n, 3)]
  const set = (wanted: Limits, endUser?: EndUserAccount) => () =>
    limitEndUser(
      { ancestors: [], delegations, ...(endUser ? { endUser } : {}) },
      'alice',
      wanted,
      undefined,
      AT,
    )
  expect(set(limits({ totalMicro: 31n }))).toThrow('limits.total: 0.000032 USD is committed')
  const { result } = set(limits({ totalMicro: 32n }))()
  expect(set(limits({ currency: 'EUR' }), result)).toThrow('limits.currency: must stay USD')
})
