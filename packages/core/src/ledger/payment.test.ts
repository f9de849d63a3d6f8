import { expect, test } from 'vitest'
import {
  isOwnKey,
  isUnprovenPayment,
  type KeyRecord,
  type Payment,
  type PaymentState,
  unprovenStates,
} from './payment.ts'

test('a key is its payment’s own only where its record says nothing else', () => {
  const payment = {
    id: 'pay_1',
    session: 'ses_1',
    key: 'k',
    terms: { requestHash: 'r' },
  } as Payment
  const record: KeyRecord = {
    session: 'ses_1',
    key: 'k',
    requestHash: 'r',
    payment: 'pay_1',
    refusals: 0,
  }
  expect(isOwnKey(record, payment)).toBe(true)
  const { payment: _payment, ...unpinned } = record
  const lastRefusal = { code: 'policy_denied', detail: 'no', message: 'no' } as const
  const others: readonly KeyRecord[] = [
    unpinned,
    { ...record, payment: 'pay_2' },
    { ...record, session: 'ses_2' },
    { ...record, key: 'other' },
    { ...record, requestHash: 'other' },
    { ...record, refusals: 1 },
    { ...record, lastRefusal },
  ]
  for (const other of others) expect(isOwnKey(other, payment)).toBe(false)
})

test('the unproven states are those in which a payment is unproven', () => {
  const states: Record<PaymentState, true> = {
    reserved: true,
    signed: true,
    claimed: true,
    in_doubt: true,
    settled: true,
    released: true,
  }
  const unproven = Object.keys(states).filter((state) => isUnprovenPayment({ state } as Payment))
  expect(unproven).toEqual(unprovenStates)
})
