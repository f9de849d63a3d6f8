import type { PaymentSummary, SessionSummary } from '@bursar/core'
import type { SandboxTransfer } from '@bursar/sandbox'
import { describe, expect, test } from 'vitest'
import { account, type LedgerAccount } from './account.ts'
import type { Belief } from './belief.ts'

const payee = `0x${'ab'.repeat(20)}` as const

function payment(number: number, some: Partial<PaymentSummary> = {}): PaymentSummary {
  return {
    id: `pay_${number}`,
    state: 'settled',
    settled: '0.01',
    merchant: 'shop.localhost:1',
    path: `/item/${number}`,
    payee,
    evidence: { transaction: `0x${number}`, block: '1', reason: 'used' },
    ...some,
  } as PaymentSummary
}

function transfer(number: number, some: Partial<SandboxTransfer> = {}): SandboxTransfer {
  return { from: `0x1`, to: payee, value: 10_000n, transaction: `0x${number}`, ...some }
}

function belief(number: number, answer: string, paymentId?: string): Belief {
  return {
    token: 't',
    key: 'k',
    call: { conversation: 'c', id: `${number}` },
    url: `http://shop.localhost:1/item/${number}`,
    answer,
    ...(paymentId === undefined ? {} : { paymentId }),
  }
}

const session = { id: 's', settled: '0.02', held: '0.00', limits: { total: '0.25' } }

function ledger(payments: readonly PaymentSummary[], some: object = {}): LedgerAccount {
  const sessions = [{ ...session, ...some } as SessionSummary]
  return { payments, sessions, verified: { ok: true } as LedgerAccount['verified'] }
}

/** The evidence of the first payment. */
const first = { evidence: { transaction: '0x1', block: '1', reason: 'used' } }

const released = { state: 'released', settled: undefined, evidence: undefined } as never

describe('the account of a load', () => {
  test('finds nothing where all three agree, and counts what was not certain', () => {
    const payments = [payment(1), payment(2), payment(3, released)]
    const beliefs = [
      belief(1, 'paid', 'pay_1'),
      belief(2, 'in_doubt'),
      belief(3, 'outcome_unknown'),
      belief(4, 'denied'),
    ]
    expect(account(ledger(payments), beliefs, [transfer(1), transfer(2)])).toEqual({
      payments: { settled: 2, released: 1 },
      transfers: 2,
      unknown: { paid: 1, notPaid: 1 },
      problems: [],
    })
  })

  test.each<[string, LedgerAccount, readonly Belief[], readonly SandboxTransfer[], RegExp]>([
    ['paid and lost', ledger([]), [belief(1, 'paid')], [], /told paid, and has 0 settled/],
    ['denied and paid', ledger([payment(1)]), [belief(1, 'denied')], [transfer(1)], /told denied/],
    [
      'paid twice',
      ledger([payment(1), payment(2, { path: '/item/1' })]),
      [belief(1, 'paid')],
      [transfer(1), transfer(2)],
      /was paid 2 times/,
    ],
    ['nobody asked', ledger([payment(1)]), [], [transfer(1)], /nobody asked for it/],
    ['never moved', ledger([payment(1)]), [belief(1, 'paid')], [], /no transfer of it/],
    ['moved alone', ledger([]), [], [transfer(9)], /no payment has/],
    [
      'another amount',
      ledger([payment(1)]),
      [belief(1, 'paid')],
      [transfer(1, { value: 20_000n })],
      /20000 moved/,
    ],
    [
      'another payee',
      ledger([payment(1)]),
      [belief(1, 'paid')],
      [transfer(1, { to: '0x2' })],
      /0x2 was paid/,
    ],
    [
      'another payment',
      ledger([payment(1)]),
      [belief(1, 'paid', 'pay_7')],
      [transfer(1)],
      /told of pay_7/,
    ],
    [
      'one transfer for two',
      ledger([payment(1), payment(2, first)]),
      [belief(1, 'paid'), belief(2, 'paid')],
      [transfer(1)],
      /shares its transfer/,
    ],
    [
      'still open',
      ledger([payment(1, { state: 'claimed' })]),
      [belief(1, 'in_doubt')],
      [],
      /pay_1 is claimed/,
    ],
    ['over its limit', ledger([], { settled: '0.26' }), [], [], /0.26 settled/],
    ['still held', ledger([], { held: '0.01' }), [], [], /0.01 held/],
    [
      'a trail that does not verify',
      { ...ledger([]), verified: { ok: false } as LedgerAccount['verified'] },
      [],
      [],
      /does not verify/,
    ],
  ])('finds what was %s', (_name, read, beliefs, transfers, problem) => {
    expect(account(read, beliefs, transfers).problems.join()).toMatch(problem)
  })
})
