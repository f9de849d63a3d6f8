import { describe, expect, test } from 'vitest'
import { accountUsageAt } from '../ledger/accounts.ts'
import type { LedgerState } from '../ledger/ledger-state.ts'
import type { Delivery, Payment, PaymentState } from '../ledger/payment.ts'
import type { Session } from '../ledger/session.ts'
import type { Limits, Usage } from '../money/limits.ts'
import { settleArchivedPayment } from './archived-overrun.ts'
import {
  answerPaymentCancellation,
  claimPayment,
  doubtPayment,
  releaseProvenPayment,
  releaseUnsignedPayment,
  settlePayment,
  signPayment,
} from './payment-transitions.ts'

const NOW = 1_000_000
const evidence = { block: '7', reason: 'proved' }
const delivery: Delivery = {
  httpStatus: 200,
  contentType: 'text/plain',
  contentSha256: 'hash',
  bytes: 3,
  truncated: false,
  delivered: true,
}
const states: readonly PaymentState[] = [
  'reserved',
  'signed',
  'claimed',
  'in_doubt',
  'settled',
  'released',
]

describe('what each event makes of each state', () => {
  test.each<[string, (state: LedgerState) => { readonly result: Payment }, PaymentState[]]>([
    [
      'sign',
      (state) => signPayment(state),
      ['signed', 'signed', 'claimed', 'in_doubt', 'settled', 'released'],
    ],
    [
      'claim',
      (state) => claimPayment(state, { delivery, heardAt: NOW }, NOW),
      ['claimed', 'claimed', 'claimed', 'in_doubt', 'settled', 'released'],
    ],
    [
      'doubt',
      (state) => doubtPayment(state, { reason: 'lost' }),
      ['in_doubt', 'in_doubt', 'claimed', 'in_doubt', 'settled', 'released'],
    ],
    [
      'release, nothing signed',
      (state) => releaseUnsignedPayment(state, 'not signed', NOW),
      ['released', 'signed', 'claimed', 'in_doubt', 'settled', 'released'],
    ],
    [
      'release, proved',
      (state) => releaseProvenPayment(state, evidence, NOW),
      ['released', 'released', 'released', 'released', 'settled', 'released'],
    ],
    [
      'settle',
      (state) => settlePayment(state, evidence, NOW),
      ['settled', 'settled', 'settled', 'settled', 'settled', 'settled'],
    ],
  ])('%s', (_name, event, expected) => {
    expect(states.map((state) => event(ledger(state)).result.state)).toEqual(expected)
  })

  test('a change of state has exactly one record; what changes nothing has none', () => {
    for (const state of states) {
      const settled = settlePayment(ledger(state), evidence, NOW)
      const own = settled.events.filter(({ type }) => type === 'payment-settled')
      expect([state, own.length]).toEqual([state, state === 'settled' ? 0 : 1])
      expect(settled.payments ?? []).toHaveLength(state === 'settled' ? 0 : 1)
    }
  })
})

describe('money', () => {
  const held = usage({ heldMicro: 10n, payments: 1 })

  test('settling turns the hold into spent money, in every account', () => {
    const { sessions, delegations } = settlePayment(ledger('claimed'), evidence, NOW)
    const spent = usage({ settledMicro: 10n, payments: 1 })
    expect(sessions?.map((one) => one.usage)).toEqual([spent, spent])
    expect(delegations?.map((one) => one.usage)).toEqual([spent])
  })

  test('releasing gives it back, and takes the pin from the merchant', () => {
    const change = releaseProvenPayment(ledger('in_doubt'), evidence, NOW)
    expect(change.sessions?.map((one) => one.usage)).toEqual([usage({}), usage({})])
    expect(change.merchants).toMatchObject([{ payments: 0 }])
    const { merchant: _, ...without } = ledger('in_doubt')
    expect(releaseProvenPayment(without, evidence, NOW)).not.toHaveProperty('merchants')
  })

  test('a claim and a doubt move nothing', () => {
    for (const change of [
      claimPayment(ledger('signed'), { delivery, heardAt: NOW }, NOW),
      doubtPayment(ledger('signed'), { reason: '' }),
    ]) {
      expect(change.sessions).toBeUndefined()
      expect(change.delegations).toBeUndefined()
    }
    expect(ledger('signed').session?.usage).toEqual(held)
  })

  test('an overrun is counted although nothing held it, and locks its own session once', () => {
    const state = { ...ledger('released'), session: session({ usage: usage({}) }) }
    const change = settlePayment(state, evidence, NOW)
    expect(change.result).toMatchObject({ overrun: true, settledMicro: 10n })
    expect(change.sessions?.map(({ lockedAt }) => lockedAt)).toEqual([NOW, undefined])
    expect(change.sessions?.[0]?.usage).toEqual(usage({ settledMicro: 10n, payments: 1 }))
    expect(change.events.map(({ type }) => type)).toEqual(['payment-settled', 'session-locked'])
    const locked = { ...state, session: session({ usage: usage({}), lockedAt: 5 }) }
    const again = settlePayment(locked, evidence, NOW)
    expect(again.sessions?.[0]?.lockedAt).toBe(5)
    expect(again.events.map(({ type }) => type)).toEqual(['payment-settled'])
  })

  test('no account falls below zero: that is a bug, and it throws', () => {
    const broken = { ...ledger('claimed'), session: session({ usage: usage({}) }) }
    expect(() => settlePayment(broken, evidence, NOW)).toThrow('fell below zero')
    expect(() => releaseProvenPayment(broken, evidence, NOW)).toThrow('fell below zero')
  })
})

describe('a release by proof', () => {
  const end = payment('in_doubt').validBefore * 1_000
  const answer = (outcome: 'asked' | 'refused' | 'unavailable' | 'unknown', at: number) => {
    const state = ledger('in_doubt')
    const { payments = [] } = answerPaymentCancellation(state, { outcome }, at)
    return { ...state, payment: payments[0] ?? payment('in_doubt') }
  }

  test.each(['reserved', 'signed', 'claimed', 'in_doubt'] as const)(
    'keeps a payment that is %s while the own clock says that its signature is valid',
    (state) => {
      const early = releaseProvenPayment(ledger(state), evidence, end - 1)
      expect(early).toEqual({ result: payment(state), events: [] })
      expect(releaseProvenPayment(ledger(state), evidence, end).result.state).toBe('released')
    },
  )

  test.each([
    ['asked', 'released'],
    ['unknown', 'released'],
    ['refused', 'in_doubt'],
    ['unavailable', 'in_doubt'],
  ] as const)('before that end, after a cancellation answered %s: %s', (outcome, expected) => {
    const change = releaseProvenPayment(answer(outcome, end - 2), evidence, end - 1)
    expect(change.result.state).toBe(expected)
  })
})

test('evidence, claims and content are kept with the payment', () => {
  const claimed = claimPayment(
    ledger('signed'),
    { transaction: '0xabc', delivery, heardAt: NOW },
    NOW,
  )
  expect(claimed.result).toMatchObject({ claimedTransaction: '0xabc', claimedAt: NOW, delivery })
  const settled = settlePayment(ledger('claimed'), { ...evidence, transaction: '0xdef' }, NOW)
  expect(settled.result).toMatchObject({ evidence: { transaction: '0xdef' }, provenAt: NOW })
  expect(settled.events[0]).toMatchObject({ transaction: '0xdef', block: '7', evidence: 'proved' })
  const content = {
    payment: 'pay_1',
    status: 200,
    headers: {},
    body: new Uint8Array(3),
    truncated: false,
  }
  expect(claimPayment(ledger('signed'), { delivery, content, heardAt: NOW }, NOW).contents).toEqual(
    [content],
  )
  const doubted = doubtPayment(ledger('signed'), { reason: 'lost', delivery, content })
  expect(doubted.contents).toEqual([content])
  expect(doubted.events[0]).toMatchObject({ reason: 'lost', httpStatus: 200 })
})

test('an event of a payment that is not there breaks an invariant', () => {
  expect(() => signPayment({ ancestors: [] })).toThrow('not in the ledger')
  const { delegation: _, ...without } = ledger('claimed')
  expect(() => settlePayment(without, evidence, NOW)).toThrow('has to belong')
  const archived = payment('settled')
  expect(() => settleArchivedPayment({ ancestors: [] }, archived, evidence, NOW)).toThrow(
    'has to belong',
  )
})

function ledger(state: PaymentState): LedgerState {
  return {
    session: session(),
    ancestors: [session({ id: 'ses_parent' })],
    delegation: {
      id: 'del_1',
      endUser: 'alice',
      agent: 'researcher',
      instrument: 'alice-wallet',
      limits,
      usage: usage({ heldMicro: 10n, payments: 1 }),
      consent: { how: 'test' },
      createdAt: 0,
      expiresAt: NOW * 2,
    },
    merchant: { delegation: 'del_1', host: 'shop.example', payee: '0x1', payments: 1, troubled: 0 },
    payment: payment(state),
  }
}

const limits: Limits = { currency: 'USD', totalMicro: 100n, windows: [] }

function usage(changed: Partial<Usage>): Usage {
  return { settledMicro: 0n, heldMicro: 0n, payments: 0, windows: [], ...changed }
}

function session(changed: Partial<Session> = {}): Session {
  return {
    id: 'ses_1',
    delegation: 'del_1',
    tokenHash: 'hash',
    limits,
    usage: usage({ heldMicro: 10n, payments: 1 }),
    repeatAfterMs: 0,
    createdAt: 0,
    expiresAt: NOW * 2,
    ...changed,
  }
}

function payment(state: PaymentState): Payment {
  return {
    id: 'pay_1',
    session: 'ses_1',
    delegation: 'del_1',
    endUser: 'alice',
    instrument: 'alice-wallet',
    state,
    terms: {
      rail: 'fake',
      scheme: 'exact',
      network: 'eip155:1',
      asset: '0xa',
      currency: 'USD',
      atomic: 10n,
      amountMicro: 10n,
      payee: '0x1',
      host: 'shop.example',
      requestHash: 'request',
    },
    termsHash: 'terms',
    payer: '0x2',
    nonce: '0x3',
    path: '/',
    purpose: '',
    tokenHash: 'token',
    reservedAt: 0,
    tokenExpiresAt: 60_000,
    validBefore: 60,
    overrun: false,
  }
}

test('what was spent at a merchant is never taken for nothing because it was not loaded', () => {
  const terms = payment('reserved').terms
  expect(() => accountUsageAt({ ancestors: [] }, 'ses_1', terms)).toThrow(
    expect.objectContaining({ code: 'invariant_broken' }),
  )
  expect(accountUsageAt({ ancestors: [], merchantUsages: [] }, 'ses_1', terms).usage.payments).toBe(
    0,
  )
})

test.each([
  [NOW - 1, NOW - 1],
  [NOW + 1, NOW],
])('a claim whose answer came at %i is of %i', (heardAt, claimedAt) => {
  const { payments, events } = claimPayment(ledger('signed'), { delivery, heardAt }, NOW)
  expect(payments).toMatchObject([{ claimedAt }])
  expect(events).toMatchObject([{ claimedAt }])
})
