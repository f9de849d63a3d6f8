import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { spendableAccountMicro } from '../ledger/accounts.ts'
import type { Delegation } from '../ledger/delegation.ts'
import { denialCodes } from '../ledger/denial.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { payingState } from '../ledger/paying-state.ts'
import type { Session } from '../ledger/session.ts'
import { addHoldToLimits, type Limits, noUsage, type Usage } from '../money/limits.ts'
import { type Decision, decidePayment } from './decide.ts'
import type { Intent } from './reservation.ts'

const NOW = Date.UTC(2030, 0, 1, 12)
const PAYEE = `0x${'1'.repeat(40)}`
const MINUTE_MS = 60_000

/** Small amounts, so that limits and what is spent meet on the boundary. */
const micro = fc.bigInt({ min: 1n, max: 12n })
const limitMicro = fc.bigInt({ min: 6n, max: 40n })

const limitsOf: fc.Arbitrary<Limits> = fc.record({
  currency: fc.constant('USD'),
  totalMicro: limitMicro,
  perPaymentMicro: limitMicro,
  payments: fc.integer({ min: 2, max: 8 }),
  windows: fc.array(fc.record({ per: fc.constant('minute' as const), amountMicro: limitMicro }), {
    maxLength: 1,
  }),
})

/** The earlier holds of an account: amount, age, and whether each has settled. */
const earlierHolds = fc.array(
  fc.record({
    micro: fc.bigInt({ min: 1n, max: 5n }),
    agoMs: fc.nat(2 * MINUTE_MS),
    settled: fc.boolean(),
  }),
  { maxLength: 4 },
)

/** An account with its limits, what was spent of them, and perhaps its end. */
const account = fc
  .record({
    limits: limitsOf,
    holds: earlierHolds,
    endsInMs: fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 1, 0, -1),
    revoked: fc.nat(9).map((digit) => digit === 9),
  })
  .map(({ limits, holds, endsInMs, revoked }) => ({
    limits,
    usage: usageOf(limits, holds),
    holds,
    expiresAt: NOW + endsInMs,
    ...(revoked ? { revokedAt: NOW - 5 } : {}),
  }))

type Account = typeof account extends fc.Arbitrary<infer One> ? One : never

const line = fc.record({
  session: account,
  ancestors: fc.array(account, { maxLength: 3 }),
  delegation: account,
  amountMicro: micro,
})

describe('whatever the ledger says', () => {
  test('it is reserved exactly if every account allows it, and the answer is the first reason', () => {
    let reserved = 0
    fc.assert(
      fc.property(line, ({ session, ancestors, delegation, amountMicro }) => {
        const accounts = [session, ...ancestors, delegation]
        const change = decidePayment(
          ledger(session, ancestors, delegation),
          intent(amountMicro),
          NOW,
        )
        const allowed = accounts.every((one) => allows(one, amountMicro))
        expect(change.result.kind).toBe(allowed ? 'reserved' : 'denied')
        if (allowed) reserved += 1
        if (change.result.kind !== 'denied') return
        const possible = [
          ...reasons([session, ...ancestors], 'session', amountMicro),
          ...reasons([delegation], 'delegation', amountMicro),
        ]
        const first = denialCodes.find((code) => possible.includes(code))
        expect(change.result.denial.code).toBe(first)
      }),
      { numRuns: 1_000 },
    )
    expect(reserved).toBeGreaterThan(20)
  })

  test('a refusal moves nothing, and a reservation holds its amount in every account', () => {
    fc.assert(
      fc.property(line, ({ session, ancestors, delegation, amountMicro }) => {
        const state = ledger(session, ancestors, delegation)
        const change = decidePayment(state, intent(amountMicro), NOW)
        const before = [state.session, ...state.ancestors, state.delegation]
        const after = [...(change.sessions ?? []), ...(change.delegations ?? [])]
        expect(change.events).toHaveLength(1)
        if (change.result.kind === 'denied') {
          expect([after, change.payments, change.merchants]).toEqual([[], undefined, undefined])
          expect(change.events[0]?.type).toBe('payment-denied')
          return
        }
        expect(change.events[0]?.type).toBe('payment-reserved')
        expect(after.map(({ id }) => id)).toEqual(before.map((one) => one?.id))
        after.forEach(({ usage }, position) => {
          const known = before[position]?.usage ?? noUsage
          expect(usage.heldMicro).toBe(known.heldMicro + amountMicro)
          expect(usage.settledMicro).toBe(known.settledMicro)
          expect(usage.payments).toBe(known.payments + 1)
        })
        expect(change.result).toMatchObject({
          remainingMicro: spendableAccountMicro(payingState(afterOf(state, change))),
        })
      }),
    )
  })

  test('it is the same however often it is asked, and changes nothing that it was given', () => {
    fc.assert(
      fc.property(line, ({ session, ancestors, delegation, amountMicro }) => {
        const state = frozen(ledger(session, ancestors, delegation))
        const asked = frozen(intent(amountMicro))
        expect(decidePayment(state, asked, NOW)).toEqual(decidePayment(state, asked, NOW))
      }),
    )
  })

  test('what is refused is not allowed by less: a lower limit, an earlier end, more spent', () => {
    const less = fc.constantFrom<(one: Account) => Account>(
      (one) => ({ ...one, limits: { ...one.limits, totalMicro: one.limits.totalMicro - 1n } }),
      (one) => ({ ...one, limits: { ...one.limits, payments: 0 } }),
      (one) => ({ ...one, limits: { ...one.limits, perPaymentMicro: 1n } }),
      (one) => ({ ...one, expiresAt: one.expiresAt - 1 }),
      (one) => ({ ...one, revokedAt: NOW }),
      (one) => ({ ...one, usage: addHoldToLimits(one.limits, one.usage, 1n, NOW) }),
    )
    const property = fc.property(line, less, fc.nat(4), (given, narrow, which) => {
      const accounts = [given.session, given.delegation, ...given.ancestors]
      const chosen = accounts[which % accounts.length]
      const narrowed = (one: Account): Account => (one === chosen ? narrow(one) : one)
      const ask = (change: (one: Account) => Account): Decision['kind'] => {
        const { session, ancestors, delegation, amountMicro } = given
        const state = ledger(change(session), ancestors.map(change), change(delegation))
        return decidePayment(state, intent(amountMicro), NOW).result.kind
      }
      if (ask((one) => one) === 'denied') expect(ask(narrowed)).toBe('denied')
    })
    fc.assert(property, { numRuns: 500 })
  })

  test('one after another, payments never exceed any limit of any account', () => {
    const amounts = fc.array(micro, { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(line, amounts, ({ session, ancestors, delegation }, asked) => {
        const start = ledger(alive(session), ancestors.map(alive), alive(delegation))
        asked.reduce<LedgerState>((state, amountMicro, count) => {
          const change = decidePayment(state, intent(amountMicro, count), NOW)
          const next = afterOf(state, change)
          for (const one of [...(change.sessions ?? []), ...(change.delegations ?? [])]) {
            const { usage, limits } = one
            expect(usage.settledMicro + usage.heldMicro <= limits.totalMicro).toBe(true)
            expect(usage.payments <= (limits.payments ?? 0)).toBe(true)
          }
          return next
        }, start)
      }),
    )
  })
})

/** A second opinion, without buckets: what lies less than a minute back counts. */
function allows(one: Account, amountMicro: bigint): boolean {
  const { limits, expiresAt } = one
  const spent = spentOf(one)
  const windows = limits.windows.every(
    ({ amountMicro: most }) => most === undefined || spent.recentMicro + amountMicro <= most,
  )
  return (
    NOW < expiresAt &&
    !('revokedAt' in one) &&
    amountMicro <= (limits.perPaymentMicro ?? 0n) &&
    spent.count + 1 <= (limits.payments ?? 0) &&
    spent.micro + amountMicro <= limits.totalMicro &&
    windows
  )
}

function reasons(
  accounts: readonly Account[],
  noun: 'session' | 'delegation',
  amountMicro: bigint,
): string[] {
  return accounts.flatMap((one) => {
    const { limits, expiresAt } = one
    const spent = spentOf(one)
    const over = limits.windows.some(
      ({ amountMicro: most }) => most !== undefined && spent.recentMicro + amountMicro > most,
    )
    const found: [boolean, string][] = [
      ['revokedAt' in one, `${noun}_revoked`],
      [NOW >= expiresAt, `${noun}_expired`],
      [amountMicro > (limits.perPaymentMicro ?? 0n), 'payment_limit_exceeded'],
      [spent.count + 1 > (limits.payments ?? 0), 'payment_count_exceeded'],
      [over, 'window_limit_exceeded'],
      [spent.micro + amountMicro > limits.totalMicro, `${noun}_limit_exceeded`],
    ]
    return found.flatMap(([holds, code]) => (holds ? [code] : []))
  })
}

function spentOf({ holds }: Account): { micro: bigint; recentMicro: bigint; count: number } {
  const sum = (some: Account['holds']): bigint => some.reduce((all, one) => all + one.micro, 0n)
  // The bucket that leaves the window counts until the whole of it has left: 61 seconds' worth.
  const isRecent = ({ agoMs }: { agoMs: number }): boolean =>
    Math.floor((NOW - agoMs) / 1_000) >= NOW / 1_000 - 60
  return { micro: sum(holds), recentMicro: sum(holds.filter(isRecent)), count: holds.length }
}

function usageOf(
  limits: Limits,
  holds: readonly { readonly micro: bigint; readonly agoMs: number; readonly settled: boolean }[],
): Usage {
  return holds
    .toSorted((left, right) => right.agoMs - left.agoMs)
    .reduce<Usage>((usage, one) => {
      const held = addHoldToLimits(limits, usage, one.micro, NOW - one.agoMs)
      if (!one.settled) return held
      return {
        ...held,
        heldMicro: held.heldMicro - one.micro,
        settledMicro: held.settledMicro + one.micro,
      }
    }, noUsage)
}

function alive(one: Account): Account {
  const { revokedAt: _revokedAt, ...rest } = { revokedAt: undefined, ...one }
  return { ...rest, holds: [], usage: noUsage, expiresAt: NOW + 1 }
}

function ledger(
  session: Account,
  ancestors: readonly Account[],
  delegation: Account,
): LedgerState & { readonly session: Session; readonly delegation: Delegation } {
  const fields = { createdAt: 0, merchants: [{ host: 'shop.example', payees: [PAYEE] }] }
  const sessionOf = ({ holds: _holds, ...one }: Account, id: string): Session => ({
    ...fields,
    ...one,
    id,
    delegation: 'del_1',
    tokenHash: 'hash',
    repeatAfterMs: 60_000,
  })
  const { holds: _holds, ...given } = delegation
  return {
    session: sessionOf(session, 'ses_1'),
    ancestors: ancestors.map((one, position) => sessionOf(one, `ses_above_${position}`)),
    delegation: {
      ...fields,
      ...given,
      id: 'del_1',
      endUser: 'alice',
      agent: 'researcher',
      instrument: 'alice-wallet',
      consent: { how: 'test' },
    },
  }
}

function afterOf(state: LedgerState, change: Change<unknown>): LedgerState {
  const [session, ...ancestors] = change.sessions ?? []
  const [delegation] = change.delegations ?? []
  return session && delegation ? { ...state, session, ancestors, delegation } : state
}

function intent(amountMicro: bigint, count = 0): Intent {
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
      payee: PAYEE,
      host: 'shop.example',
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

function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}
