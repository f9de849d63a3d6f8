import fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { BursarError } from '../primitives/errors.ts'
import { parseInputFields } from '../primitives/fields.ts'
import type { WindowSpan } from './limit-windows.ts'
import {
  addHoldToLimits,
  addOverrunToLimits,
  findLimitExcesses,
  findWiderLimit,
  type Limits,
  type LimitsInput,
  limitsInput,
  noUsage,
  releaseHoldFromLimits,
  remainingLimitMicro,
  settleHoldInLimits,
  type Usage,
} from './limits.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const spanMs = { minute: MINUTE, hour: HOUR, day: DAY }
/** Midnight UTC, and the edge of a bucket of every width. */
const MIDNIGHT = Date.UTC(2030, 0, 2)

const windowed = (per: WindowSpan, amountMicro = 100n, payments = 2): Limits => ({
  currency: 'USD',
  totalMicro: 1_000_000n,
  windows: [{ per, amountMicro, payments }],
})

const kinds = (limits: Limits, usage: Usage, amount: bigint, now = MIDNIGHT): string[] =>
  findLimitExcesses(limits, usage, amount, now).map((excess) => excess.kind)

describe('findLimitExcesses', () => {
  const limits: Limits = {
    currency: 'USD',
    totalMicro: 100n,
    perPaymentMicro: 60n,
    payments: 2,
    windows: [],
  }

  test('up to each limit nothing is exceeded, and one above it is', () => {
    expect(kinds(limits, noUsage, 60n)).toEqual([])
    expect(kinds(limits, noUsage, 61n)).toEqual(['per-payment'])
    const once = addHoldToLimits(limits, noUsage, 60n, MIDNIGHT)
    expect(kinds(limits, once, 40n)).toEqual([])
    expect(kinds(limits, once, 41n)).toEqual(['total'])
    const twice = addHoldToLimits(limits, once, 1n, MIDNIGHT)
    expect(kinds(limits, twice, 1n)).toEqual(['count'])
  })

  test('come in the order of the denial codes, each with its limit', () => {
    const all: Limits = { ...limits, windows: [{ per: 'hour', amountMicro: 50n }] }
    const used = addHoldToLimits(all, addHoldToLimits(all, noUsage, 30n, MIDNIGHT), 30n, MIDNIGHT)
    expect(findLimitExcesses(all, used, 61n, MIDNIGHT)).toEqual([
      { kind: 'per-payment', limitMicro: 60n },
      { kind: 'count', limit: 2 },
      { kind: 'window', window: { per: 'hour', amountMicro: 50n } },
      { kind: 'total', limitMicro: 100n, remainingMicro: 40n },
    ])
  })

  test('what is left is never shown below zero, and after an overrun it is', () => {
    const over = addOverrunToLimits(limits, noUsage, 150n, MIDNIGHT)
    expect(remainingLimitMicro(limits, over)).toBe(-50n)
    expect(findLimitExcesses(limits, over, 1n, MIDNIGHT)).toEqual([
      { kind: 'total', limitMicro: 100n, remainingMicro: 0n },
    ])
  })

  test('money up to 10^12 units is counted to the last micro-unit', () => {
    const totalMicro = 999_999_999_999_999_999n
    const huge: Limits = {
      currency: 'USD',
      totalMicro,
      windows: [{ per: 'day', amountMicro: totalMicro }],
    }
    const used = addHoldToLimits(huge, noUsage, totalMicro - 1n, MIDNIGHT)
    expect(kinds(huge, used, 1n)).toEqual([])
    expect(kinds(huge, used, 2n)).toEqual(['window', 'total'])
  })
})

/** A payment of the model that the properties compare with: what it is, in plain numbers. */
interface Modelled {
  readonly amount: bigint
  readonly at: number
  state: 'held' | 'settled' | 'released'
}

const steps = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.nat(2_000), fc.nat(HOUR), fc.nat(2 * DAY)),
    amount: fc.bigInt({ min: 1n, max: 10n ** 15n }),
    verb: fc.constantFrom('hold', 'hold', 'settle', 'release', 'overrun'),
    pick: fc.nat(),
    part: fc.bigInt({ min: 0n, max: 100n }),
  }),
  { maxLength: 60 },
)

describe('whatever happens', () => {
  const limits: Limits = {
    currency: 'USD',
    totalMicro: 10n ** 18n,
    windows: (['minute', 'hour', 'day', 'utc-day'] as const).map((per) => ({ per, payments: 1 })),
  }

  test('balances are what the payments add up to, and windows never count too little', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const payments: Modelled[] = []
        let usage = noUsage
        let settled = 0n
        let now = MIDNIGHT
        for (const { afterMs, amount, verb, pick, part } of taken) {
          now += afterMs
          const held = payments.filter(({ state }) => state === 'held')
          const released = payments.filter(({ state }) => state === 'released')
          const one = held[pick % held.length]
          const gone = released[pick % released.length]
          if (verb === 'hold') {
            usage = addHoldToLimits(limits, usage, amount, now)
            payments.push({ amount, at: now, state: 'held' })
          } else if (verb === 'settle' && one) {
            const taken = (one.amount * part) / 100n
            usage = settleHoldInLimits(usage, one.amount, taken)
            settled += taken
            one.state = 'settled'
          } else if (verb === 'release' && one) {
            usage = releaseHoldFromLimits(limits, usage, one.amount, one.at)
            one.state = 'released'
          } else if (verb === 'overrun' && gone) {
            usage = addOverrunToLimits(limits, usage, gone.amount, now)
            settled += gone.amount
            payments.splice(payments.indexOf(gone), 1)
            payments.push({ amount: gone.amount, at: now, state: 'settled' })
          }
          compare(usage, payments, settled)
          compareWindows(usage, payments, now)
        }
      }),
    )
  })

  function compare(usage: Usage, payments: readonly Modelled[], settled: bigint): void {
    const held = payments.filter(({ state }) => state === 'held')
    expect(usage.heldMicro).toBe(held.reduce((sum, { amount }) => sum + amount, 0n))
    expect(usage.settledMicro).toBe(settled)
    expect(usage.payments).toBe(payments.filter(({ state }) => state !== 'released').length)
  }

  function compareWindows(usage: Usage, payments: readonly Modelled[], now: number): void {
    limits.windows.forEach(({ per }, position) => {
      const from = per === 'utc-day' ? Math.floor(now / DAY) * DAY : now - spanMs[per]
      const earliest = per === 'utc-day' ? from : from - spanMs[per] / 60
      const counted = countedIn(limits, per, usage.windows[position] ?? [], now)
      const live = payments.filter(({ state }) => state !== 'released')
      const sum = (list: readonly Modelled[]) => list.reduce((all, { amount }) => all + amount, 0n)
      expect(counted >= sum(live.filter(({ at }) => at >= from))).toBe(true)
      expect(counted <= sum(live.filter(({ at }) => at > earliest || at >= from))).toBe(true)
    })
  }
})

/** The least limit that is not exceeded is what a window counts. */
function countedIn(
  limits: Limits,
  per: WindowSpan,
  buckets: Usage['windows'][number],
  now: number,
): bigint {
  const usage: Usage = { ...noUsage, windows: [buckets] }
  let [low, high] = [0n, limits.totalMicro]
  while (low < high) {
    const middle = (low + high) / 2n
    const tried: Limits = { ...limits, windows: [{ per, amountMicro: middle }] }
    if (findLimitExcesses(tried, usage, 0n, now).length === 0) high = middle
    else low = middle + 1n
  }
  return low
}

describe('a balance is never broken silently', () => {
  const limits = windowed('hour', 1_000n, 10)
  const held = addHoldToLimits(limits, noUsage, 10n, MIDNIGHT)

  test.each([
    ['a hold below zero', () => addHoldToLimits(limits, noUsage, -1n, MIDNIGHT)],
    ['a settlement above its hold', () => settleHoldInLimits(held, 10n, 11n)],
    ['a settlement below zero', () => settleHoldInLimits(held, 10n, -1n)],
    ['a settlement of more than is held', () => settleHoldInLimits(held, 11n, 11n)],
    ['a release of more than is held', () => releaseHoldFromLimits(limits, held, 11n, MIDNIGHT)],
    ['a release where nothing is held', () => releaseHoldFromLimits(limits, noUsage, 0n, MIDNIGHT)],
    [
      'a release of more than its bucket has',
      () => {
        const more = addHoldToLimits(limits, held, 10n, MIDNIGHT + HOUR)
        return releaseHoldFromLimits(limits, more, 15n, MIDNIGHT)
      },
    ],
  ])('%s is thrown', (_what, run) => {
    expect(codeOf(run)).toBe('invariant_broken')
  })

  test('what is not taken of a hold returns to the budget, and its windows keep it', () => {
    const settled = settleHoldInLimits(held, 10n, 4n)
    expect(settled).toMatchObject({ settledMicro: 4n, heldMicro: 0n, payments: 1 })
    expect(settled.windows).toEqual(held.windows)
  })
})

describe('findWiderLimit', () => {
  const outer: Limits = {
    currency: 'USD',
    totalMicro: 1_000_000n,
    perPaymentMicro: 100_000n,
    payments: 5,
    windows: [],
  }

  test.each<[string, Partial<Limits>, string | undefined]>([
    ['the same', {}, undefined],
    ['another currency', { currency: 'EUR' }, 'limits.currency: must be USD'],
    ['a total above', { totalMicro: 1_000_001n }, 'limits.total: must be at most 1.00'],
    [
      'more for a payment',
      { perPaymentMicro: 100_001n },
      'limits.perPayment: must be at most 0.10',
    ],
    ['more payments', { payments: 6 }, 'limits.payments: must be at most 5'],
  ])('%s', (_what, change, wider) => {
    expect(findWiderLimit({ ...outer, ...change }, outer)).toBe(wider)
  })

  test('what the inner limits leave open stays bound by the outer ones', () => {
    expect(findWiderLimit({ currency: 'USD', totalMicro: 1n, windows: [] }, outer)).toBe(undefined)
    const open: Limits = { currency: 'USD', totalMicro: 1_000_000n, windows: [] }
    expect(findWiderLimit(outer, open)).toBe(undefined)
  })
})

describe('limits as people write them', () => {
  const read = (input: unknown): Limits | string => {
    try {
      return parseInputFields(limitsInput, input, 'limits')
    } catch (error) {
      if (BursarError.isInstance(error) && error.code === 'invalid_input') return error.message
      throw error
    }
  }

  test('are read into micro-units', () => {
    expect(read({ currency: 'USD', total: '1.00' })).toEqual({
      currency: 'USD',
      totalMicro: 1_000_000n,
      windows: [],
    })
    const windows = [
      { per: 'utc-day', amount: '0.50', payments: 10 },
      { per: 'hour', payments: 1 },
    ]
    expect(
      read({
        currency: 'EUR',
        total: '999999999999.999999',
        perPayment: '0.1',
        payments: 1,
        windows,
      }),
    ).toEqual({
      currency: 'EUR',
      totalMicro: 999_999_999_999_999_999n,
      perPaymentMicro: 100_000n,
      payments: 1,
      windows: [
        { per: 'utc-day', amountMicro: 500_000n, payments: 10 },
        { per: 'hour', payments: 1 },
      ],
    })
  })

  const good = { currency: 'USD', total: '1.00' }

  test.each([
    ['no total', { currency: 'USD' }, 'limits: total:'],
    ['a number as total', { currency: 'USD', total: 1 }, 'limits: total:'],
    ['a negative total', { currency: 'USD', total: '-1.00' }, 'limits: total:'],
    ['a total of zero', { currency: 'USD', total: '0.00' }, 'limits: total:'],
    ['a currency that is none', { ...good, currency: 'usd' }, 'limits: currency:'],
    ['no currency', { total: '1.00' }, 'limits: currency:'],
    ['a bad amount per payment', { ...good, perPayment: '1e1' }, 'limits: perPayment:'],
    ['no payments', { ...good, payments: 0 }, 'limits: payments:'],
    ['half a payment', { ...good, payments: 0.5 }, 'limits: payments:'],
    ['endless payments', { ...good, payments: Number.POSITIVE_INFINITY }, 'limits: payments:'],
    ['too many payments', { ...good, payments: 1_000_001 }, 'limits: payments:'],
    ['payments as text', { ...good, payments: '1' }, 'limits: payments:'],
    [
      'an unknown window',
      { ...good, windows: [{ per: 'week', amount: '1' }] },
      'limits: windows.0.per:',
    ],
    ['an empty window', { ...good, windows: [{ per: 'hour' }] }, 'limits: windows.0:'],
    [
      'a window with a bad amount',
      { ...good, windows: [{ per: 'hour', amount: 'much' }] },
      'limits: windows.0.amount:',
    ],
    [
      'nine windows',
      { ...good, windows: Array.from({ length: 9 }, () => ({ per: 'hour', payments: 1 })) },
      'limits: windows:',
    ],
    ['a misspelt field', { ...good, perPayments: '1.00' }, 'perPayments'],
    [
      'a misspelt field of a window',
      { ...good, windows: [{ per: 'hour', amounts: '1' }] },
      'amounts',
    ],
    ['nothing', undefined, 'limits: its argument:'],
  ])('with %s are refused, and the field is named', (_what, input, message) => {
    expect(read(input)).toContain(message)
  })

  test('have a required total, and amounts that are never numbers', () => {
    expectTypeOf<LimitsInput['total']>().toEqualTypeOf<string>()
    expectTypeOf<Limits['totalMicro']>().toEqualTypeOf<bigint>()
    expectTypeOf<{ currency: string }>().not.toExtend<LimitsInput>()
  })
})

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (BursarError.isInstance(error)) return error.code
    throw error
  }
  return 'nothing was thrown'
}
