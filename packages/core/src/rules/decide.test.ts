import { describe, expect, test } from 'vitest'
import { spendableAccountMicro } from '../ledger/accounts.ts'
import type { Delegation } from '../ledger/delegation.ts'
import { deny } from '../ledger/denial.ts'
import type { LedgerState } from '../ledger/ledger-state.ts'
import type { KnownMerchant } from '../ledger/merchant.ts'
import type { PayingState } from '../ledger/paying-state.ts'
import type { Payment, PaymentState, Terms } from '../ledger/payment.ts'
import type { Session } from '../ledger/session.ts'
import { type Limits, noUsage, type Usage } from '../money/limits.ts'
import type { Policy, PolicyDecision } from '../ports/policy.ts'
import { BursarError } from '../primitives/errors.ts'
import { findAccountEnd } from './account-end.ts'
import { countDecidedRefusal, type Decision, decideHost, decidePayment } from './decide.ts'
import { findEarlierAnswer, MAX_REFUSALS_PER_KEY } from './earlier-answer.ts'
import type { Intent } from './reservation.ts'

const NOW = Date.UTC(2030, 0, 1)
const PAYEE = `0x${'1'.repeat(40)}`
const OTHER = `0x${'2'.repeat(40)}`

describe('reserve', () => {
  test('holds the amount in every account, and pins key, payee and validity', () => {
    const state = ledger({ ancestors: [session({ id: 'ses_parent' })] })
    const change = decidePayment(state, intent({ key: 'key-1', ignoredArguments: ['budget'] }), NOW)
    expect(change.result).toMatchObject({ kind: 'reserved', remainingMicro: 990_000n })
    const held = { heldMicro: 10_000n, settledMicro: 0n, payments: 1 }
    expect(change.sessions?.map(({ id, usage }) => [id, usage])).toEqual([
      ['ses_1', { ...held, windows: [] }],
      ['ses_parent', { ...held, windows: [] }],
    ])
    expect(change.delegations?.[0]?.usage).toEqual({ ...held, windows: [] })
    expect(change.payments?.[0]).toMatchObject({
      id: 'pay_1',
      state: 'reserved',
      reservedAt: NOW,
      tokenExpiresAt: NOW + 60_000,
      validBefore: NOW / 1_000 + 100,
      key: 'key-1',
    })
    expect(change.keys).toEqual([
      { session: 'ses_1', key: 'key-1', requestHash: 'request', payment: 'pay_1', refusals: 0 },
    ])
    expect(change.merchants).toEqual([
      { delegation: 'del_1', host: 'shop.example', payee: PAYEE, payments: 1, troubled: 0 },
    ])
    expect(change.events).toMatchObject([
      {
        type: 'payment-reserved',
        amount: '0.01',
        sessionRemaining: '0.99',
        delegationRemaining: '9.99',
        ignoredArguments: ['budget'],
      },
    ])
  })

  test('a token never outlives the proof that it is for', () => {
    const { payments } = decidePayment(ledger(), intent({ validForSeconds: 10 }), NOW)
    expect(payments?.[0]).toMatchObject({ tokenExpiresAt: NOW + 10_000 })
  })

  test('the whole budget may be spent, and not a millionth more', () => {
    const limits = { totalMicro: 10_000n }
    expect(
      kind(decidePayment(ledger({ session: session({}, limits) }), intent(), NOW).result),
    ).toBe('reserved')
    expect(code(ledger({ session: session({}, { totalMicro: 9_999n }) }))).toBe(
      'session_limit_exceeded',
    )
  })

  test('without a session or a delegation it breaks an invariant', () => {
    expect(() => decidePayment({ ancestors: [] }, intent(), NOW)).toThrow(BursarError)
  })
})

describe('limits', () => {
  const usage: Usage = { ...noUsage, heldMicro: 5_000n, settledMicro: 4_000n, payments: 2 }

  test.each<[string, LedgerState]>([
    ['payment_limit_exceeded', ledger({ session: session({}, { perPaymentMicro: 9_999n }) })],
    ['payment_count_exceeded', ledger({ session: session({ usage }, { payments: 2 }) })],
    ['session_limit_exceeded', ledger({ session: session({ usage }, { totalMicro: 18_999n }) })],
    [
      'session_limit_exceeded',
      ledger({ ancestors: [session({ id: 'ses_parent', usage }, { totalMicro: 18_999n })] }),
    ],
    [
      'delegation_limit_exceeded',
      ledger({ delegation: delegation({ usage }, { totalMicro: 18_999n }) }),
    ],
    ['payment_limit_exceeded', ledger({ delegation: delegation({}, { perPaymentMicro: 1n }) })],
    ['payment_count_exceeded', ledger({ delegation: delegation({ usage }, { payments: 2 }) })],
    [
      'window_limit_exceeded',
      ledger({ delegation: delegation({}, { windows: [{ per: 'hour', amountMicro: 9_999n }] }) }),
    ],
    ['currency_mismatch', ledger({ session: session({}, { currency: 'EUR' }) })],
  ])('%s', (expected, state) => {
    expect(code(state)).toBe(expected)
  })

  test('an overrun leaves less than nothing, and says that nothing is left', () => {
    const spent: Usage = { ...noUsage, settledMicro: 2_000_000n }
    const { result } = decidePayment(ledger({ session: session({ usage: spent }) }), intent(), NOW)
    expect(result).toMatchObject({
      kind: 'denied',
      remainingMicro: -1_000_000n,
      denial: { message: expect.stringContaining('0.00 USD is left') },
    })
  })

  test('what can be spent is the least that any account has left', () => {
    const used: Usage = { ...noUsage, heldMicro: 9_500_000n }
    expect(spendableAccountMicro(ledger())).toBe(1_000_000n)
    expect(spendableAccountMicro(ledger({ delegation: delegation({ usage: used }) }))).toBe(
      500_000n,
    )
  })

  test('what the caller allows at most can only narrow', () => {
    expect(code(ledger(), { maxMicro: 9_999n })).toBe('payment_limit_exceeded')
    expect(code(ledger(), { maxMicro: 10_000n })).toBe('reserved')
  })
})

describe('merchants', () => {
  const known = (payee: string, payments = 1): KnownMerchant => ({
    delegation: 'del_1',
    host: 'shop.example',
    payee,
    payments,
    troubled: 0,
  })
  const rule = (payees?: readonly string[]) => [
    payees ? { host: 'shop.example', payees } : { host: 'shop.example' },
  ]

  test.each<[string, LedgerState]>([
    ['reserved', ledger({ merchant: known(PAYEE) })],
    ['approval_required', ledger({ merchant: known(OTHER) })],
    ['reserved', ledger({ merchant: known(OTHER, 0) })],
    ['merchant_not_allowed', ledger({ delegation: delegation({ merchants: rule([OTHER]) }) })],
    [
      'reserved',
      ledger({ delegation: delegation({ merchants: rule([PAYEE]) }), merchant: known(OTHER) }),
    ],
    ['merchant_not_allowed', ledger({ session: session({ merchants: rule([OTHER]) }) })],
    ['merchant_not_allowed', ledger({ session: session({ merchants: [{ host: 'a.example' }] }) })],
    [
      'merchant_not_allowed',
      ledger({ ancestors: [session({ id: 'ses_0', merchants: rule([OTHER]) })] }),
    ],
    ['approval_required', ledger({ delegation: open() })],
    ['approval_required', ledger({ delegation: open(), session: session({ merchants: rule() }) })],
    ['reserved', ledger({ delegation: open(), merchant: known(PAYEE) })],
  ])('%s', (expected, state) => {
    expect(code(state)).toBe(expected)
  })

  test.each<[string, LedgerState]>([
    ['approval_required', ledger({})],
    ['approval_required', ledger({ delegation: delegation({ merchants: rule() }) })],
    ['approval_required', ledger({ merchant: known(PAYEE, 0) })],
    ['reserved', ledger({ merchant: known(PAYEE) })],
    ['reserved', ledger({ delegation: delegation({ merchants: rule([PAYEE]) }) })],
  ])('%s where the challenge names another host', (expected, state) => {
    expect(code(state, intent({ claimedHost: 'bank.example' }))).toBe(expected)
  })

  test('a refusal of a challenge that names another host records that host', () => {
    const { events } = decidePayment(
      ledger({}),
      intent({ claimedHost: 'bank.example', maxMicro: 1n }),
      NOW,
    )
    expect(events).toMatchObject([
      { type: 'payment-denied', code: 'payment_limit_exceeded', claimedHost: 'bank.example' },
    ])
  })

  test('a question about a challenge that names another host shows that host', () => {
    const { result, approvals } = decidePayment(
      ledger({}),
      intent({ claimedHost: 'bank.example' }),
      NOW,
    )
    expect(result).toMatchObject({ denial: { detail: expect.stringContaining('bank.example') } })
    expect(approvals?.[0]?.card).toMatchObject({
      merchant: 'shop.example',
      sellerSays: 'bank.example',
    })
  })

  test('a host is admitted only where every list names it', () => {
    expect(decideHost(ledger(), { host: 'shop.example', isDialled: true })).toBeUndefined()
    expect(decideHost(ledger(), { host: 'shop.example.evil.example', isDialled: true })?.code).toBe(
      'merchant_not_allowed',
    )
    expect(
      decideHost(ledger({ delegation: open() }), { host: 'any.example', isDialled: true }),
    ).toBeUndefined()
  })

  test('a known merchant is counted, and keeps its payee', () => {
    const { merchants } = decidePayment(ledger({ merchant: known(PAYEE, 3) }), intent(), NOW)
    expect(merchants).toEqual([known(PAYEE, 4)])
  })
})

describe('policies', () => {
  const answering = (decision: PolicyDecision): Policy => ({ name: 'p', evaluate: () => decision })
  const asks = answering({ effect: 'ask', reason: 'first' })
  const denies = answering({ effect: 'deny', reason: 'no' })

  test.each<[string, readonly Policy[]]>([
    ['reserved', [answering({ effect: 'allow' })]],
    ['approval_required', [asks]],
    ['policy_denied', [asks, denies]],
    [
      'policy_denied',
      [
        {
          name: 'broken',
          evaluate: () => {
            throw new Error('broken')
          },
        },
      ],
    ],
  ])('%s', (expected, policies) => {
    expect(code(ledger(), { policies })).toBe(expected)
  })

  test('see the figures as of the commit', () => {
    let seen: unknown
    const policy: Policy = {
      name: 'looks',
      evaluate: (input) => {
        seen = input
        return { effect: 'allow' }
      },
    }
    decidePayment(ledger(), intent({ policies: [policy] }), NOW)
    expect(seen).toMatchObject({
      agent: 'researcher',
      endUser: 'alice',
      remainingMicro: 1_000_000n,
      knownMerchant: false,
      at: NOW,
      path: '/a',
    })
  })
})

describe('precedence', () => {
  test('of several refusals the first in the order of the codes is answered', () => {
    const worst = ledger({
      session: session({ revokedAt: NOW, lockedAt: NOW }, { totalMicro: 1n, perPaymentMicro: 1n }),
      delegation: delegation({ revokedAt: NOW, expiresAt: NOW }),
      twin: payment('in_doubt'),
    })
    const poor = { balanceAtomic: undefined }
    expect(code(worst, poor)).toBe('session_revoked')
    const { revokedAt: _1, ...unrevoked } = worst.session ?? session()
    expect(code({ ...worst, session: unrevoked }, poor)).toBe('session_locked')
    const { lockedAt: _2, ...unlocked } = unrevoked
    expect(code({ ...worst, session: unlocked }, poor)).toBe('delegation_revoked')
    const live = { ...worst, session: unlocked, delegation: delegation() }
    expect(code(live, poor)).toBe('duplicate_open')
    const { twin: _3, ...single } = live
    expect(code(single, poor)).toBe('payment_limit_exceeded')
    expect(code(ledger(), poor)).toBe('wallet_unavailable')
    const unread = { code: 'network_unavailable', cause: 'down' } as const
    expect(code(ledger(), { ...poor, unread })).toBe('network_unavailable')
    expect(code(ledger({ delegation: open() }), { balanceAtomic: 9_999n })).toBe(
      'insufficient_funds',
    )
    expect(code(ledger({ delegation: open() }), poor)).toBe('approval_required')
  })

  test.each<[string | undefined, PayingState]>([
    [undefined, ledger()],
    ['session_expired', ledger({ session: session({ expiresAt: NOW }) })],
    [undefined, ledger({ session: session({ expiresAt: NOW + 1 }) })],
    ['session_revoked', ledger({ session: session({ closedAt: NOW - 1 }) })],
    ['session_expired', ledger({ ancestors: [session({ id: 'ses_0', expiresAt: NOW })] })],
    ['delegation_expired', ledger({ delegation: delegation({ expiresAt: NOW }) })],
    [undefined, ledger({ delegation: delegation({ expiresAt: NOW + 1 }) })],
  ])('standing: %s', (expected, state) => {
    expect(findAccountEnd(state, NOW)?.code).toBe(expected)
  })
})

test.each([
  [2, 'reserved'],
  [3, 'approval_required'],
  [4, 'approval_required'],
])('%i payments in doubt or undelivered at a host → %s', (troubled, expected) => {
  const merchant = {
    delegation: 'del_1',
    host: 'shop.example',
    payee: PAYEE,
    payments: 9,
    troubled,
  }
  expect(code(ledger({ merchant }))).toBe(expected)
})

describe('earlier calls', () => {
  const request = { hash: 'request', key: 'key-1' }
  const record = { session: 'ses_1', key: 'key-1', requestHash: 'request', refusals: 0 }

  test('a key that is pinned answers with its payment, whatever became of it', () => {
    for (const state of ['reserved', 'signed', 'claimed', 'in_doubt', 'settled', 'released']) {
      const pinned = payment(state as PaymentState)
      const known = findEarlierAnswer(
        ledger({ key: { ...record, payment: 'pay_0' }, payment: pinned }),
        request,
        NOW,
      )
      expect(known).toEqual({ kind: 'payment', payment: pinned })
    }
  })

  test('a key that is pinned to another request is a conflict', () => {
    const state = ledger({ key: { ...record, payment: 'pay_0' }, payment: payment('settled') })
    expect(denialCode(findEarlierAnswer(state, { ...request, hash: 'other' }, NOW))).toBe(
      'key_conflict',
    )
    expect(code(state, { key: 'key-1', terms: terms({ requestHash: 'other' }) })).toBe(
      'key_conflict',
    )
  })

  test('a refused key is judged anew, until it is worn', () => {
    const lastRefusal = deny('insufficient_funds')
    const worn = { ...record, refusals: MAX_REFUSALS_PER_KEY, lastRefusal }
    const fresh = { ...worn, refusals: MAX_REFUSALS_PER_KEY - 1 }
    expect(findEarlierAnswer(ledger({ key: fresh }), request, NOW)).toBeUndefined()
    expect(findEarlierAnswer(ledger({ key: worn }), request, NOW)).toEqual({
      kind: 'denied',
      denial: lastRefusal,
    })
    expect(findEarlierAnswer(ledger({ key: worn }), { hash: 'request' }, NOW)).toBeUndefined()
  })

  test('refusals are counted for a key; an approval that is awaited is not', () => {
    const count = (state: LedgerState, refusal: ReturnType<typeof deny>) =>
      countDecidedRefusal(state, request, refusal).map(({ refusals }) => refusals)
    expect(count(ledger(), deny('insufficient_funds'))).toEqual([1])
    expect(count(ledger({ key: { ...record, refusals: 3 } }), deny('policy_denied'))).toEqual([4])
    expect(count(ledger({ key: { ...record, refusals: 3 } }), deny('approval_required'))).toEqual([
      3,
    ])
    expect(count(ledger({ key: { ...record, payment: 'pay_0' } }), deny('key_conflict'))).toEqual(
      [],
    )
    expect(countDecidedRefusal(ledger(), { hash: 'request' }, deny('policy_denied'))).toEqual([])
    expect(countDecidedRefusal({ ancestors: [] }, request, deny('policy_denied'))).toEqual([])
  })

  test.each<[PaymentState, number, string, string]>([
    ['reserved', 0, 'ses_1', 'duplicate_open'],
    ['signed', 1e9, 'ses_1', 'duplicate_open'],
    ['in_doubt', 1e9, 'ses_2', 'duplicate_open'],
    ['claimed', 59_999, 'ses_1', 'replayed'],
    ['settled', 59_999, 'ses_1', 'replayed'],
    ['settled', 60_000, 'ses_1', 'reserved'],
    ['settled', 0, 'ses_2', 'reserved'],
    ['released', 0, 'ses_1', 'reserved'],
  ])('an identical request that is %s since %i ms in %s → %s', (state, ageMs, of, expected) => {
    const twin: Payment = { ...delivered(state), session: of, claimedAt: NOW - ageMs }
    expect(code(ledger({ twin }))).toBe(expected)
  })

  test.each<[PaymentState, number, string]>([
    ['settled', 59_999, 'replayed'],
    ['claimed', 60_000, 'reserved'],
    ['released', 0, 'reserved'],
  ])(
    'an own payment that is %s since %i ms, before another session’s → %s',
    (state, ageMs, expected) => {
      const twin: Payment = { ...delivered('settled'), session: 'ses_2', claimedAt: NOW }
      const ownTwin: Payment = { ...delivered(state), id: 'pay_own', claimedAt: NOW - ageMs }
      const { result } = decidePayment(ledger({ twin, ownTwin }), intent({}), NOW)
      expect(result.kind).toBe(expected)
      if (result.kind === 'replayed') expect(result.payment.id).toBe('pay_own')
    },
  )
})

function code(state: LedgerState, changed: Partial<Intent> = {}): string {
  const { result } = decidePayment(state, intent(changed), NOW)
  return 'denial' in result ? result.denial.code : result.kind
}

function kind(decision: Decision): string {
  return decision.kind
}

function denialCode(known: ReturnType<typeof findEarlierAnswer>): string | undefined {
  return known?.kind === 'denied' ? known.denial.code : undefined
}

function ledger(changed: Partial<PayingState> = {}): PayingState {
  return { session: session(), ancestors: [], delegation: delegation(), ...changed }
}

function session(changed: Partial<Session> = {}, limits: Partial<Limits> = {}): Session {
  return {
    id: 'ses_1',
    delegation: 'del_1',
    tokenHash: 'hash',
    limits: { currency: 'USD', totalMicro: 1_000_000n, windows: [], ...limits },
    usage: noUsage,
    repeatAfterMs: 60_000,
    createdAt: NOW - 1_000,
    expiresAt: NOW + 1_000_000,
    ...changed,
  }
}

function delegation(changed: Partial<Delegation> = {}, limits: Partial<Limits> = {}): Delegation {
  return {
    id: 'del_1',
    endUser: 'alice',
    agent: 'researcher',
    instrument: 'alice-wallet',
    limits: { currency: 'USD', totalMicro: 10_000_000n, windows: [], ...limits },
    usage: noUsage,
    merchants: [{ host: 'shop.example' }],
    consent: { how: 'test' },
    createdAt: NOW - 1_000,
    expiresAt: NOW + 1_000_000,
    ...changed,
  }
}

/** Creates a delegation that leaves the merchants open. */
function open(): Delegation {
  const { merchants: _, ...rest } = delegation()
  return rest
}

function terms(changed: Partial<Terms> = {}): Terms {
  return {
    rail: 'fake',
    scheme: 'exact',
    network: 'eip155:31337',
    asset: `0x${'a'.repeat(40)}`,
    currency: 'USD',
    atomic: 10_000n,
    amountMicro: 10_000n,
    payee: PAYEE,
    host: 'shop.example',
    requestHash: 'request',
    ...changed,
  }
}

function intent(changed: Partial<Intent> = {}): Intent {
  return {
    paymentId: 'pay_1',
    approvalId: 'apr_1',
    method: 'GET',
    nonce: '0x01',
    tokenHash: 'token',
    terms: terms(),
    termsHash: 'terms',
    path: '/a',
    isDialled: true,
    purpose: 'read it',
    validForSeconds: 100,
    payer: OTHER,
    balanceAtomic: 10_000n,
    policies: [],
    ignoredArguments: [],
    ...changed,
  }
}

function payment(state: PaymentState): Payment {
  return {
    id: 'pay_0',
    session: 'ses_1',
    delegation: 'del_1',
    endUser: 'alice',
    instrument: 'alice-wallet',
    state,
    terms: terms(),
    termsHash: 'terms',
    payer: OTHER,
    nonce: '0x00',
    path: '/a',
    purpose: '',
    tokenHash: 'token',
    reservedAt: NOW,
    tokenExpiresAt: NOW,
    validBefore: 0,
    overrun: false,
  }
}

/** Returns a payment whose paid request was answered with what it bought. */
function delivered(state: PaymentState): Payment {
  const delivery = {
    httpStatus: 200,
    contentType: 'text/plain',
    contentSha256: 'content',
    bytes: 1,
    truncated: false,
    delivered: true,
  }
  return { ...payment(state), delivery }
}
