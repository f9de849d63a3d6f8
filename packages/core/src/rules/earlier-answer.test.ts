import { describe, expect, test } from 'vitest'
import type { Delegation } from '../ledger/delegation.ts'
import type { LedgerState } from '../ledger/ledger-state.ts'
import { payingState } from '../ledger/paying-state.ts'
import type { Delivery, Payment } from '../ledger/payment.ts'
import type { Session } from '../ledger/session.ts'
import { noUsage } from '../money/limits.ts'
import { findEarlierAnswer, recordEarlierAnswer } from './earlier-answer.ts'

const NOW = Date.UTC(2030, 0, 1, 12)
const request = { hash: 'request', key: 'key-1' }

describe('an identical request whose delivery is owed', () => {
  const undelivered: readonly [string, Partial<Payment>][] = [
    ['claimed, and answered with an error', { state: 'claimed', delivery: delivery(false) }],
    ['settled, and answered with an error', { state: 'settled', delivery: delivery(false) }],
    ['settled, and its answer was lost', { state: 'settled' }],
    ['released, and repeats one', { state: 'released', repeats: 'pay_before' }],
  ]

  test.each(undelivered)('%s: answers every session, for ever', (_what, changed) => {
    for (const session of ['ses_1', 'ses_2']) {
      const twin = payment({ ...changed, session, claimedAt: NOW - 9e9 })
      expect(findEarlierAnswer(state({ twin }), request, NOW)).toEqual({
        kind: 'payment',
        payment: twin,
      })
    }
  })

  test.each(undelivered)('%s: may be paid once more in time, at its price', (_what, changed) => {
    const twin = payment({ ...changed, allowedAgainUntil: NOW + 1 })
    const answer = (amountMicro: bigint | undefined, now: number): string | undefined =>
      findEarlierAnswer(state({ twin }), { ...request, amountMicro }, now)?.kind
    expect(answer(undefined, NOW)).toBe(undefined)
    expect(answer(10n, NOW)).toBe(undefined)
    expect(answer(11n, NOW)).toBe('payment')
    expect(answer(10n, NOW + 1)).toBe('payment')
  })

  test('is not owed any more by a released payment that repeats none', () => {
    const twin = payment({ state: 'released' })
    expect(findEarlierAnswer(state({ twin }), request, NOW)).toBe(undefined)
  })
})

describe('a delivered payment that only a proof made paid', () => {
  const twin = payment({ state: 'settled', delivery: delivery(true), provenAt: NOW - 9e9 })

  test('answers, however late, until an answer was recorded', () => {
    expect(findEarlierAnswer(state({ twin }), request, NOW)?.kind).toBe('payment')
    const { payments } = recordEarlierAnswer(state({ twin }), { hash: 'request' }, twin, NOW)
    expect(payments).toEqual([{ ...twin, answeredAt: NOW }])
    const told = { ...twin, answeredAt: NOW }
    expect(findEarlierAnswer(state({ twin: told }), request, NOW + 59_999)?.kind).toBe('payment')
    expect(findEarlierAnswer(state({ twin: told }), request, NOW + 60_000)).toBe(undefined)
  })

  test('is recorded as answered once, and pins the key', () => {
    const first = recordEarlierAnswer(state({ twin }), request, twin, NOW)
    expect(first.events.map(({ type }) => type)).toEqual(['payment-answered', 'key-pinned'])
    expect(first.keys).toEqual([
      { session: 'ses_1', key: 'key-1', requestHash: 'request', refusals: 0, payment: 'pay_0' },
    ])
    const told = { ...twin, answeredAt: NOW }
    const second = recordEarlierAnswer(state({ twin: told }), { hash: 'request' }, told, NOW)
    expect(second).toEqual({ result: { kind: 'payment', payment: told }, events: [] })
  })

  test('is found behind the latest payment of another session', () => {
    const theirs = payment({ id: 'pay_9', session: 'ses_2', state: 'settled' })
    const loaded = state({ twin: theirs, ownTwin: twin })
    expect(recordEarlierAnswer(loaded, request, twin, NOW).payments?.[0]?.id).toBe('pay_0')
  })
})

describe('no row is written', () => {
  test.each<[string, Partial<Payment>]>([
    ['a claim said that it was paid', { state: 'claimed', claimedAt: NOW }],
    ['it was not delivered', { state: 'settled' }],
    ['it is not paid', { state: 'released' }],
  ])('for a payment of which %s', (_what, changed) => {
    const twin = payment({ delivery: delivery(changed.claimedAt !== undefined), ...changed })
    expect(recordEarlierAnswer(state({ twin }), { hash: 'request' }, twin, NOW)).toEqual({
      result: { kind: 'payment', payment: twin },
      events: [],
    })
  })

  test('for the key of a session that another session’s payment answers', () => {
    const twin = payment({ state: 'settled', session: 'ses_2' })
    expect(recordEarlierAnswer(state({ twin }), request, twin, NOW).events).toEqual([])
  })

  test('for a key that was pinned to another payment meanwhile, which answers instead', () => {
    const twin = payment({ state: 'claimed', claimedAt: NOW, delivery: delivery(true) })
    const key = { session: 'ses_1', key: 'key-1', requestHash: 'request', refusals: 0 }
    const record = (hash: string): ReturnType<typeof recordEarlierAnswer> => {
      const base = payment({ id: 'pay_9' })
      const other = { ...base, terms: { ...base.terms, requestHash: hash } }
      const pinned = state({ twin, key: { ...key, payment: 'pay_9' }, payment: other })
      return recordEarlierAnswer(pinned, request, twin, NOW)
    }
    expect(record('another request')).toMatchObject({
      result: { kind: 'denied', denial: { code: 'key_conflict' } },
      events: [],
    })
    expect(record('request')).toMatchObject({
      result: { kind: 'payment', payment: { id: 'pay_9' } },
      events: [],
    })
  })

  test('for a key that is pinned', () => {
    const twin = payment({ state: 'claimed', claimedAt: NOW, delivery: delivery(true) })
    const key = { session: 'ses_1', key: 'key-1', requestHash: 'request', refusals: 0 }
    const pinned = state({ twin, key: { ...key, payment: 'pay_0' } })
    expect(recordEarlierAnswer(pinned, request, twin, NOW).events).toEqual([])
    expect(recordEarlierAnswer(state({ twin, key }), request, twin, NOW).events).toHaveLength(1)
  })
})

function state(changed: Partial<LedgerState>): ReturnType<typeof payingState> {
  const limits = { currency: 'USD', totalMicro: 100n, windows: [] }
  const delegation: Delegation = {
    id: 'del_1',
    endUser: 'alice',
    agent: 'agent',
    instrument: 'wallet',
    limits,
    usage: noUsage,
    consent: { how: 'in a test' },
    createdAt: 0,
    expiresAt: 9e15,
  }
  const session: Session = {
    id: 'ses_1',
    delegation: 'del_1',
    tokenHash: 'token',
    limits,
    usage: noUsage,
    repeatAfterMs: 60_000,
    createdAt: 0,
    expiresAt: 9e15,
  }
  return payingState({ session, ancestors: [], delegation, ...changed })
}

function payment(changed: Partial<Payment>): Payment {
  return {
    id: 'pay_0',
    session: 'ses_1',
    delegation: 'del_1',
    endUser: 'alice',
    instrument: 'wallet',
    state: 'settled',
    terms: {
      rail: 'x402',
      scheme: 'exact',
      network: 'eip155:8453',
      asset: '0xaa',
      currency: 'USD',
      atomic: 10n,
      amountMicro: 10n,
      payee: '0xbb',
      host: 'shop.example',
      requestHash: 'request',
    },
    termsHash: 'terms',
    payer: '0xcc',
    nonce: '0x00',
    path: '/a',
    purpose: '',
    tokenHash: 'token',
    reservedAt: 0,
    tokenExpiresAt: 0,
    validBefore: 0,
    overrun: false,
    ...changed,
  }
}

function delivery(delivered: boolean): Delivery {
  return {
    httpStatus: delivered ? 200 : 500,
    contentType: 'text/plain',
    contentSha256: 'content',
    bytes: 1,
    truncated: false,
    delivered,
  }
}
