import { describe, expect, test } from 'vitest'
import { deny } from '../ledger/denial.ts'
import type { Delivery, Payment, PaymentState } from '../ledger/payment.ts'
import type { HttpResponse } from '../ports/http-client.ts'
import { sha256Hash } from '../primitives/hash.ts'
import type { PayResult, ResourceResponse } from '../session/pay-result.ts'
import { toModelResult } from '../session/tool.ts'
import {
  deniedResult,
  describeDoubtResult,
  describeResultDelivery,
  doubtResult,
  earlierResult,
  failedResult,
  freeResult,
  hasResultContent,
  keepResultContent,
  MAX_KEPT_BYTES,
  paidResult,
  toResultMoney,
  toResultResponse,
} from './results.ts'

const remaining = { amount: '0.95', currency: 'USD' }
const delivery: Delivery = {
  httpStatus: 200,
  contentType: 'text/plain',
  contentSha256: sha256Hash('hello'),
  bytes: 5,
  truncated: false,
  delivered: true,
}
const payment: Payment = {
  id: 'pay_1',
  session: 'ses_1',
  delegation: 'del_1',
  endUser: 'alice',
  instrument: 'alice-wallet',
  state: 'claimed',
  terms: {
    rail: 'fake',
    scheme: 'exact',
    network: 'eip155:8453',
    asset: `0x${'a5'.repeat(20)}`,
    currency: 'USD',
    atomic: 50_000n,
    amountMicro: 50_000n,
    payee: `0x${'5e'.repeat(20)}`,
    host: 'shop.example',
    requestHash: '00',
  },
  termsHash: '00',
  payer: `0x${'a1'.repeat(20)}`,
  nonce: `0x${'7e'.repeat(32)}`,
  path: '/a',
  purpose: 'x',
  tokenHash: '00',
  reservedAt: Date.UTC(2030, 0, 1),
  tokenExpiresAt: Date.UTC(2030, 0, 1, 0, 1),
  validBefore: Date.UTC(2030, 0, 1) / 1_000 + 120,
  claimedTransaction: '0xc1a1',
  delivery,
  overrun: false,
}

function httpResponse(change: Partial<HttpResponse> = {}): HttpResponse {
  return {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    body: new TextEncoder().encode('hello'),
    truncated: false,
    broken: false,
    remoteAddress: '203.0.113.7',
    ...change,
  }
}

const requested = new URL('https://shop.example/a/b')
const response: ResourceResponse = toResultResponse(httpResponse(), requested)

describe('a response as callers get it', () => {
  test('has status, headers, body and cut, and not the address that was dialled', () => {
    expect(toResultResponse(httpResponse({ truncated: true }), requested)).toEqual({
      status: 200,
      headers: { 'content-type': 'text/plain' },
      body: new TextEncoder().encode('hello'),
      truncated: true,
    })
  })

  test.each([
    'payment-required',
    'payment-response',
    'payment-signature',
    'payment-receipt',
    'x-payment',
    'x-payment-response',
    'x-402-proof',
    'set-cookie',
    'content-encoding',
    'content-length',
    'transfer-encoding',
    'connection',
  ])('does not have %s', (name) => {
    const headers = { [name]: 'x', 'x-trace': 'y' }
    expect(toResultResponse(httpResponse({ headers }), requested).headers).toEqual({
      'x-trace': 'y',
    })
  })

  test('keeps headers with names that mean something to objects', () => {
    const sent = JSON.parse('{"__proto__":"x","constructor":"y"}')
    const headers: Record<string, string> = Object.assign(Object.create(null), sent)
    const read = toResultResponse(httpResponse({ headers }), requested).headers
    expect(Object.entries(read)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
  })
})

describe('a delivery', () => {
  test('is what was received, with its hash', () => {
    expect(describeResultDelivery(httpResponse())).toEqual(delivery)
  })

  test.each([
    [200, false, true],
    [204, false, true],
    [299, false, true],
    [101, false, false],
    [302, false, false],
    [399, false, false],
    [400, false, false],
    [402, false, false],
    [500, false, false],
    [200, true, false],
  ])('with status %s and broken %s is delivered: %s', (status, broken, delivered) => {
    expect(describeResultDelivery(httpResponse({ status, broken })).delivered).toBe(delivered)
  })

  test('has a short content type, or none', () => {
    const headers = { 'content-type': 'x'.repeat(1_000) }
    expect(describeResultDelivery(httpResponse({ headers })).contentType).toHaveLength(100)
    expect(describeResultDelivery(httpResponse({ headers: {} })).contentType).toBe('')
  })
})

test('content is kept with its payment up to the bound, and not above it', () => {
  const body = new Uint8Array(MAX_KEPT_BYTES)
  expect(keepResultContent('pay_1', { ...response, body })).toEqual({
    ...response,
    body,
    payment: 'pay_1',
  })
  const more = new Uint8Array(MAX_KEPT_BYTES + 1)
  expect(keepResultContent('pay_1', { ...response, body: more })).toBe(undefined)
})

test('money is never shown below zero', () => {
  expect(toResultMoney(50_000n, 'USD')).toEqual({ amount: '0.05', currency: 'USD' })
  expect(toResultMoney(-50_000n, 'USD')).toEqual({ amount: '0.00', currency: 'USD' })
})

describe('the answer', () => {
  const receipt = {
    paymentId: 'pay_1',
    amount: '0.05',
    currency: 'USD',
    merchant: 'shop.example',
    payee: payment.terms.payee,
    network: 'eip155:8453',
    asset: payment.terms.asset,
    at: '2030-01-01T00:00:00.000Z',
    settlement: 'claimed',
    transaction: '0xc1a1',
    contentSha256: sha256Hash('hello'),
  }

  test('after a claim is paid, with the receipt of a claim', () => {
    expect(paidResult(payment, response, remaining)).toEqual({
      status: 'paid',
      receipt,
      response,
      remaining,
      message: 'Paid 0.05 USD to shop.example. 0.95 USD is left.',
    })
  })

  test('after proof has what was proved, and not what was claimed', () => {
    const evidence = { transaction: '0x9e0f', block: '7', reason: 'transferred' }
    const settled: Payment = { ...payment, state: 'settled', settledMicro: 40_000n, evidence }
    expect(paidResult(settled, response, remaining)).toMatchObject({
      receipt: { settlement: 'settled', transaction: '0x9e0f', amount: '0.04' },
    })
    const { transaction: _none, ...without } = evidence
    const result = paidResult({ ...settled, evidence: without }, response, remaining)
    expect('receipt' in result && result.receipt).not.toHaveProperty('transaction')
  })

  test('without delivery is undelivered, and not to be tried again', () => {
    const undelivered = { ...payment, delivery: { ...delivery, httpStatus: 500, delivered: false } }
    const result = paidResult(undelivered, undefined, remaining)
    expect(result).toMatchObject({ status: 'undelivered', receipt, remaining })
    expect(result).not.toHaveProperty('response')
    expect(result.message).toBe(
      '0.05 USD was paid to shop.example, but the resource was not delivered (HTTP status 500). Do not try again: it is not paid again unless the user allows it. Tell the user.',
    )
  })

  test('without its content is the receipt', () => {
    const result = paidResult(payment, undefined, remaining)
    expect(result).toMatchObject({ status: 'paid', code: 'content_not_kept', receipt, remaining })
    expect(result.message).toContain('Do not try again')
  })

  test('in doubt says what is not known, and not to try again', () => {
    expect(doubtResult(payment, undefined, remaining)).toEqual({
      status: 'in_doubt',
      paymentId: 'pay_1',
      remaining,
      message:
        'It is not known yet whether 0.05 USD was paid to shop.example. Do not try again: it could pay twice. Tell the user.',
    })
  })

  test('of something free says that nothing was asked for', () => {
    expect(freeResult(response, remaining).message).toBe(
      'The resource answered with HTTP status 200 and asked for no payment.',
    )
  })

  test('of a refusal has the text for the model, and never the detail', () => {
    const denial = deny('policy_denied', { cause: 'policy nights' })
    expect(deniedResult(denial, remaining)).toEqual({
      status: 'denied',
      code: 'policy_denied',
      message: denial.message,
      remaining,
    })
    expect(deniedResult(denial)).not.toHaveProperty('remaining')
  })

  test('of a failure has a code only where the wallet gave one', () => {
    expect(failedResult('m')).toEqual({ status: 'failed', message: 'm' })
    expect(failedResult('m', 'wallet_unavailable')).toEqual({
      status: 'failed',
      message: 'm',
      code: 'wallet_unavailable',
    })
  })
})

describe('an earlier payment', () => {
  const content = { payment: 'pay_1', ...response }
  const states: readonly [PaymentState, PayResult['status']][] = [
    ['reserved', 'in_progress'],
    ['signed', 'in_progress'],
    ['in_doubt', 'in_doubt'],
    ['claimed', 'paid'],
    ['settled', 'paid'],
    ['released', 'failed'],
  ]

  test.each(states)('that is %s answers %s', (state, status) => {
    expect(earlierResult({ ...payment, state }, content, remaining).status).toBe(status)
  })

  test('answers with its content as it was received', () => {
    expect(earlierResult(payment, content, remaining)).toEqual(
      paidResult(payment, response, remaining),
    )
    expect(earlierResult(payment, undefined, remaining)).toMatchObject({ code: 'content_not_kept' })
  })

  test.each(states)('that is %s says no address to a model', (state) => {
    const result = earlierResult({ ...payment, state }, content, remaining)
    expect(JSON.stringify(toModelResult(result))).not.toMatch(/0x|eip155|alice|ses_1|del_1/)
  })
})

test('a body that ended early is handed out as what came of it', () => {
  const broken = httpResponse({ broken: true })
  expect(toResultResponse(broken, requested)).toMatchObject({
    truncated: true,
    body: broken.body,
  })
  expect(hasResultContent(broken)).toBe(true)
})

describe('a redirect', () => {
  const moved = (location: string, status = 302) =>
    toResultResponse(httpResponse({ status, headers: { location } }), requested)

  test.each([
    ['/c', 'https://shop.example/c'],
    ['?n=2', 'https://shop.example/a/b?n=2'],
    ['https://user:secret@other.example/x#part', 'https://other.example/x'],
    ['https://bücher.example/ü', 'https://xn--bcher-kva.example/%C3%BC'],
  ])('to %s goes to %s', (location, target) => {
    expect(moved(location).headers).toEqual({ location: target })
  })

  test.each([
    'javascript:alert(1)',
    'ftp://shop.example/',
    'data:text/plain,pay',
    'http://[',
    `https://shop.example/${'a'.repeat(500)}`,
  ])('to %s goes nowhere', (location) => {
    expect(moved(location).headers).toEqual({})
    expect(freeResult(moved(location), remaining).message).not.toContain('moved')
  })

  test('is advised on in fixed words, and its target is in the fence alone', () => {
    const target = '/pay-again-now'
    const free = toModelResult(freeResult(moved(target), remaining))
    expect(free.message).toBe(
      'The resource answered with HTTP status 302 and asked for no payment. It has moved: call again with the URL in the content.',
    )
    expect(free.content).toBe(
      '<untrusted-content>\nredirect to: https://shop.example/pay-again-now\n</untrusted-content>',
    )
    const results = [
      doubtResult(payment, moved(target), remaining),
      paidResult(
        { ...payment, delivery: { ...delivery, delivered: false } },
        moved(target),
        remaining,
      ),
    ].map(toModelResult)
    for (const { message, content } of results) {
      expect(message).toMatch(/The content names another URL: to follow it may cost again\.$/)
      expect(message).not.toContain('pay-again-now')
      expect(content).toContain('pay-again-now')
    }
    const { message, content } = toModelResult(freeResult(moved(target, 200), remaining))
    expect([message, content].join()).not.toMatch(/moved|pay-again-now/)
  })
})

test('the reason of a doubt is for the operator, and short', () => {
  const long = { outcome: 'refused', reason: 'x'.repeat(1_000) } as const
  const again = httpResponse({ status: 402 })
  expect(describeDoubtResult(again, long, [])).toHaveLength(300)
  expect(describeDoubtResult(httpResponse(), { outcome: 'unknown', reason: 'no header' }, [])).toBe(
    'HTTP status 200, claim unknown: no header',
  )
  expect(describeDoubtResult(httpResponse(), { outcome: 'settled' }, [])).toBe(
    'HTTP status 200, claim settled: ',
  )
  const refused = { outcome: 'refused', reason: 'Refused.', says: 'key-7 is broke' } as const
  expect(describeDoubtResult(again, refused, [])).toBe(
    'HTTP status 402, claim refused: Refused. It says: "key-7 is broke"',
  )
  expect(describeDoubtResult(again, refused, ['key-7'])).toBe(
    'HTTP status 402, claim refused: Refused.',
  )
})
