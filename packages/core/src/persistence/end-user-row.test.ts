import { expect, test } from 'vitest'
import type { EndUserAccount } from '../ledger/end-user-account.ts'
import {
  assertSameEndUser,
  endUserJson,
  hasSameEndUserJson,
  parseEndUserRow,
} from './end-user-row.ts'

const account: EndUserAccount = {
  id: 'user:alice',
  endUser: 'alice',
  limits: { currency: 'USD', totalMicro: 2n ** 60n, windows: [{ per: 'day', amountMicro: 7n }] },
  usage: { settledMicro: 1n, heldMicro: 2n, payments: 3, windows: [] },
  createdAt: 1,
}

test('the account of an end user comes back from its row', () => {
  const { endUser, limits, usage, createdAt } = account
  const row = { endUser, totalMicro: limits.totalMicro, usage, createdAt }
  expect(parseEndUserRow({ ...row, json: endUserJson(account) })).toStrictEqual(account)
})

test('the JSON is written again only if the limits were replaced', () => {
  const paid = { ...account, usage: { ...account.usage, payments: 4 } }
  expect(hasSameEndUserJson(account, paid)).toBe(true)
  expect(hasSameEndUserJson(account, { ...account, limits: { ...account.limits } })).toBe(false)
})

test('an account never changes its time of creation', () => {
  expect(() => assertSameEndUser(account, { ...account, createdAt: 9 })).toThrow(
    'The createdAt of account user:alice can never change.',
  )
})
