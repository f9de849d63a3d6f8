import { expect, test } from 'vitest'
import type { Payment } from '../ledger/payment.ts'
import {
  assertSamePayment,
  hasSamePaymentJson,
  hasSamePaymentOutcome,
  type PaymentRow,
  parsePaymentRow,
  paymentJson,
  paymentOutcome,
} from './payment-row.ts'

const bare: Payment = {
  id: 'pay_1',
  session: 'ses_1',
  delegation: 'del_1',
  endUser: 'alice',
  instrument: 'alice-wallet',
  state: 'reserved',
  terms: {
    rail: 'x402',
    scheme: 'exact',
    network: 'eip155:8453',
    asset: '0x1',
    currency: 'USD',
    atomic: 2n ** 80n,
    amountMicro: 10n,
    payee: '0x2',
    host: 'shop.example',
    requestHash: 'request',
  },
  termsHash: 'terms',
  payer: '0x3',
  nonce: '0x4',
  path: '/report',
  purpose: 'the report',
  tokenHash: 'token',
  reservedAt: 1,
  tokenExpiresAt: 2,
  validBefore: 3,
  overrun: false,
}

const full: Payment = {
  ...bare,
  key: 'key',
  state: 'settled',
  claimedTransaction: '0x5',
  claimedAt: 4,
  delivery: {
    httpStatus: 200,
    contentType: 'text/plain',
    contentSha256: 'content',
    bytes: 7,
    truncated: false,
    delivered: true,
  },
  settledMicro: 10n,
  evidence: { transaction: '0x5', block: '9', time: 5 } as unknown as NonNullable<
    Payment['evidence']
  >,
  provenAt: 6,
  overrun: true,
}

function rowOf(payment: Payment, key: string | null = null): PaymentRow {
  const { id, session, delegation, endUser, state, terms, reservedAt, overrun } = payment
  const { amountMicro, requestHash } = terms
  const columns = { id, session, delegation, endUser, key, state, amountMicro, requestHash }
  const outcome = paymentOutcome(payment)
  return { ...columns, reservedAt, overrun, ...outcome, json: paymentJson(payment) }
}

test.each([
  ['with every field', full],
  ['with no optional field', bare],
])('a payment %s comes back from its row', (_name, payment) => {
  expect(parsePaymentRow(rowOf(payment))).toStrictEqual(payment)
})

test('a store may keep the idempotency key in a column', () => {
  const { key, ...rest } = full
  const row = rowOf(rest, key)
  expect(row.json).not.toContain('"key"')
  expect(parsePaymentRow(row)).toStrictEqual(full)
})

test('a payment without claim and proof has no outcome', () => {
  const nothing = { settledMicro: null, provenAt: null, claim: null, evidence: null }
  expect(paymentOutcome(bare)).toEqual(nothing)
})

test('JSON and outcome are written again only if one of their fields was replaced', () => {
  const settled: Payment = { ...full, state: 'released', overrun: false }
  expect(hasSamePaymentJson(full, settled)).toBe(true)
  expect(hasSamePaymentOutcome(full, settled)).toBe(true)
  expect(hasSamePaymentJson(full, { ...full, terms: { ...full.terms } })).toBe(false)
  expect(hasSamePaymentJson(full, { ...full, validBefore: 9 })).toBe(false)
  expect(hasSamePaymentOutcome(full, { ...full, claimedAt: 9 })).toBe(false)
  expect(hasSamePaymentOutcome({}, bare)).toBe(true)
})

test('a payment never changes what it was reserved for', () => {
  assertSamePayment(full, { ...full, state: 'released', validBefore: 9 })
  const changes: readonly Partial<Payment>[] = [
    { session: 'ses_2' },
    { delegation: 'del_2' },
    { endUser: 'bob' },
    { key: 'other' },
    { reservedAt: 9 },
  ]
  for (const change of changes) {
    const [field] = Object.keys(change)
    expect(() => assertSamePayment(full, { ...full, ...change })).toThrow(
      `The ${field} of payment pay_1 can never change.`,
    )
  }
  for (const change of [{ requestHash: 'other' }, { amountMicro: 9n }]) {
    const terms = { ...full.terms, ...change }
    expect(() => assertSamePayment(full, { ...full, terms })).toThrow('can never change')
  }
})
