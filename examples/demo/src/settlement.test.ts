import { expect, test } from 'vitest'
import { findOverspend, type SpendingAccount } from './settlement.ts'

const account: SpendingAccount = {
  name: 'a session',
  spent: 100n,
  largest: 10n,
  total: 100n,
  perPayment: 10n,
}

test.each<[string, bigint, Partial<SpendingAccount>, bigint]>([
  ['nothing at the limits themselves', 0n, {}, 0n],
  ['what is over a total', 3n, { spent: 103n }, 0n],
  ['what is over the limit of one payment', 2n, { largest: 12n }, 0n],
  ['nothing where one payment has no limit', 0n, { largest: 12n, perPayment: undefined }, 0n],
  ['the most of several', 5n, { spent: 103n, largest: 15n }, 0n],
  ['money that the ledger does not explain', 7n, {}, 7n],
])('the overspend counts %s', (_name, expected, changes, unexplained) => {
  expect(findOverspend([account, { ...account, ...changes }], unexplained)).toBe(expected)
})
