import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Delegation } from '../ledger/delegation.ts'
import { endUserAccountId } from '../ledger/end-user-account.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { Session } from '../ledger/session.ts'
import { type Limits, type MerchantLimits, noUsage } from '../money/limits.ts'
import { decidePayment } from './decide.ts'
import type { Intent } from './reservation.ts'

const NOW = Date.UTC(2030, 0, 1, 12)
const payees = [`0x${'1'.repeat(40)}`, `0x${'2'.repeat(40)}`] as const
const hosts = ['one.example', 'two.example'] as const

/** Small figures, so that limits and what is spent meet on the boundary. */
const limits = fc
  .record({
    totalMicro: fc.bigInt({ min: 8n, max: 40n }),
    perMerchant: fc.option(
      fc.record({
        totalMicro: fc.option(fc.bigInt({ min: 3n, max: 15n }), { nil: undefined }),
        payments: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
      }),
      { nil: undefined },
    ),
  })
  .map(
    ({ totalMicro, perMerchant }): Limits => ({
      currency: 'USD',
      totalMicro,
      windows: [],
      ...(perMerchant ? { perMerchant: merchantLimits(perMerchant) } : {}),
    }),
  )

function merchantLimits({
  totalMicro,
  payments,
}: {
  readonly totalMicro: bigint | undefined
  readonly payments: number | undefined
}): MerchantLimits {
  return {
    windows: [],
    ...(totalMicro === undefined ? {} : { totalMicro }),
    ...(payments === undefined ? {} : { payments }),
  }
}

const payment = fc.record({
  amountMicro: fc.bigInt({ min: 1n, max: 6n }),
  host: fc.constantFrom(...hosts),
  payee: fc.constantFrom(...payees),
})

interface Paid {
  readonly amountMicro: bigint
  readonly host: string
  readonly payee: string
}

test('what is reserved is what every account allows in all, and at each merchant by itself', () => {
  const line = fc.record({ session: limits, above: limits, delegation: limits, endUser: limits })
  const payments = fc.array(payment, { minLength: 1, maxLength: 16 })
  const outcomes = { reserved: 0, merchant: 0, other: 0 }
  fc.assert(
    fc.property(line, payments, (given, asked) => {
      const all = [given.session, given.above, given.delegation, given.endUser]
      const paid: Paid[] = []
      let state = ledger(given)
      for (const [index, one] of asked.entries()) {
        const change = decidePayment(state, intent(one, index), NOW)
        const isAllowed = all.every((account) => allows(account, paid, one))
        expect(change.result.kind).toBe(isAllowed ? 'reserved' : 'denied')
        if (change.result.kind === 'denied') {
          const isMerchant = change.result.denial.code === 'merchant_limit_exceeded'
          outcomes[isMerchant ? 'merchant' : 'other'] += 1
          expect([change.sessions, change.merchantUsages]).toEqual([undefined, undefined])
          continue
        }
        outcomes.reserved += 1
        paid.push(one)
        state = after(state, change)
        expectCounted(state, paid)
      }
    }),
  )
  expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(20)
})

/** A second opinion: sums over what was paid, without accounts. */
function allows({ totalMicro, perMerchant }: Limits, paid: readonly Paid[], one: Paid): boolean {
  const there = [...paid.filter((other) => isSameMerchant(other, one)), one]
  return (
    sum([...paid, one]) <= totalMicro &&
    sum(there) <= (perMerchant?.totalMicro ?? sum(there)) &&
    there.length <= (perMerchant?.payments ?? there.length)
  )
}

function isSameMerchant(one: Paid, other: Paid): boolean {
  return one.host === other.host && one.payee === other.payee
}

function sum(paid: readonly Paid[]): bigint {
  return paid.reduce((all, { amountMicro }) => all + amountMicro, 0n)
}

/** Every account holds the whole, and what it holds at each merchant is that merchant's part. */
function expectCounted(state: LedgerState, paid: readonly Paid[]): void {
  for (const one of [state.session, ...state.ancestors, state.delegation, state.endUser]) {
    expect(one?.usage.heldMicro).toBe(sum(paid))
    if (!one?.limits.perMerchant) continue
    for (const { host, payee, usage } of (state.merchantUsages ?? []).filter(
      ({ account }) => account === one.id,
    )) {
      const there = paid.filter((other) => isSameMerchant(other, { host, payee, amountMicro: 0n }))
      expect([usage.heldMicro, usage.payments]).toEqual([sum(there), there.length])
    }
  }
}

function ledger(
  given: Record<'session' | 'above' | 'delegation' | 'endUser', Limits>,
): LedgerState {
  const merchants = hosts.map((host) => ({ host, payees: [...payees] }))
  const common = { usage: noUsage, createdAt: 0, expiresAt: NOW + 1, merchants }
  const session: Session = {
    ...common,
    id: 'ses_1',
    parent: 'ses_above',
    delegation: 'del_1',
    tokenHash: 'hash',
    limits: given.session,
    repeatAfterMs: 60_000,
  }
  const delegation: Delegation = {
    ...common,
    id: 'del_1',
    endUser: 'alice',
    agent: 'researcher',
    instrument: 'alice-wallet',
    consent: { how: 'test' },
    limits: given.delegation,
  }
  const { parent: _parent, ...root } = session
  return {
    session,
    ancestors: [{ ...root, id: 'ses_above', limits: given.above }],
    delegation,
    endUser: {
      id: endUserAccountId('alice'),
      endUser: 'alice',
      limits: given.endUser,
      usage: noUsage,
      createdAt: 0,
    },
    merchantUsages: [],
  }
}

/** Returns the state that a store would load after a change was committed. */
function after(state: LedgerState, change: Change<unknown>): LedgerState {
  const [session, ...ancestors] = change.sessions ?? []
  const [delegation] = change.delegations ?? []
  const [endUser] = change.endUsers ?? []
  const changed = change.merchantUsages ?? []
  const isChanged = (known: (typeof changed)[number]): boolean =>
    changed.some(
      ({ account, host, payee }) =>
        account === known.account && host === known.host && payee === known.payee,
    )
  const kept = (state.merchantUsages ?? []).filter((known) => !isChanged(known))
  return {
    ...state,
    ...(session && { session }),
    ancestors,
    ...(delegation && { delegation }),
    ...(endUser && { endUser }),
    merchantUsages: [...kept, ...changed],
  }
}

function intent({ amountMicro, host, payee }: Paid, count: number): Intent {
  return {
    paymentId: `pay_${count}`,
    approvalId: `apr_${count}`,
    nonce: '0x00',
    tokenHash: 'token',
    terms: {
      rail: 'fake',
      scheme: 'exact',
      network: 'eip155:31337',
      asset: '0xa',
      currency: 'USD',
      atomic: amountMicro,
      amountMicro,
      payee,
      host,
      requestHash: `request ${count}`,
    },
    termsHash: 'terms',
    method: 'GET',
    path: '/',
    isDialled: true,
    purpose: '',
    validForSeconds: 60,
    payer: '0xb',
    balanceAtomic: 10n ** 9n,
    policies: [],
    ignoredArguments: [],
  }
}
