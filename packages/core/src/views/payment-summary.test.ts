import { expect, test } from 'vitest'
import type { Payment } from '../ledger/payment.ts'
import { summarizePayment } from './payment-summary.ts'

const NOW = Date.UTC(2030, 0, 1)
const payment: Payment = {
  id: 'pay_1',
  session: 'ses_1',
  delegation: 'del_1',
  endUser: 'alice',
  instrument: 'alice-wallet',
  key: 'key-hash',
  state: 'reserved',
  terms: {
    rail: 'fake',
    scheme: 'exact',
    network: 'eip155:8453',
    asset: '0xa55e7',
    currency: 'USD',
    atomic: 999_999_999_999_999_999n,
    amountMicro: 999_999_999_999_999_999n,
    payee: '0x9a1ee',
    host: 'shop.example',
    requestHash: 'request-hash',
  },
  termsHash: 'terms-hash',
  payer: '0x9a1e4',
  nonce: '0x1234',
  path: '/a',
  purpose: 'read it',
  tokenHash: 'token-hash',
  reservedAt: NOW,
  tokenExpiresAt: NOW + 60_000,
  validBefore: NOW / 1_000 + 120,
  overrun: false,
}
const summary = {
  id: 'pay_1',
  session: 'ses_1',
  delegation: 'del_1',
  endUser: 'alice',
  instrument: 'alice-wallet',
  state: 'reserved',
  amount: '999999999999.999999',
  currency: 'USD',
  merchant: 'shop.example',
  payee: '0x9a1ee',
  path: '/a',
  purpose: 'read it',
  network: 'eip155:8453',
  asset: '0xa55e7',
  reservedAt: '2030-01-01T00:00:00.000Z',
  overrun: false,
}

test('a payment that was only reserved has its terms, and no field without a value', () => {
  expect(summarizePayment(payment)).toStrictEqual(summary)
})

test('a claim is told as a claim, and a delivery with its hash', () => {
  const delivery = {
    httpStatus: 200,
    contentType: 'text/plain',
    contentSha256: 'content-hash',
    bytes: 5,
    truncated: false,
    delivered: true,
  }
  const claimed: Payment = { ...payment, state: 'claimed', claimedTransaction: '0xc1a1', delivery }
  expect(summarizePayment(claimed)).toStrictEqual({
    ...summary,
    state: 'claimed',
    claimedTransaction: '0xc1a1',
    delivery: { httpStatus: 200, delivered: true, contentSha256: 'content-hash', bytes: 5 },
  })
})

test('proof is told with its evidence, and money that moved after all as an overrun', () => {
  const evidence = { transaction: '0x9e0f', block: '7', reason: 'transferred' }
  const settled: Payment = {
    ...payment,
    state: 'settled',
    settledMicro: 0n,
    evidence,
    provenAt: NOW + 5_000,
    overrun: true,
  }
  expect(summarizePayment(settled)).toStrictEqual({
    ...summary,
    state: 'settled',
    settled: '0.00',
    evidence,
    provenAt: '2030-01-01T00:00:05.000Z',
    overrun: true,
  })
})
