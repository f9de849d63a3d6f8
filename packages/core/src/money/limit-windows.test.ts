import { describe, expect, test } from 'vitest'
import type { WindowSpan } from './limit-windows.ts'
import {
  addHoldToLimits,
  addOverrunToLimits,
  findLimitExcesses,
  type Limits,
  noUsage,
  releaseHoldFromLimits,
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

describe('a window', () => {
  test('counts its amount and its payments, each up to the limit', () => {
    const limits = windowed('hour')
    const once = addHoldToLimits(limits, noUsage, 60n, MIDNIGHT)
    expect(kinds(limits, once, 40n)).toEqual([])
    expect(kinds(limits, once, 41n)).toEqual(['window'])
    expect(kinds(limits, addHoldToLimits(limits, once, 1n, MIDNIGHT), 1n)).toEqual(['window'])
  })

  test('with only one of the two counts only that one', () => {
    const onlyAmount: Limits = {
      ...windowed('hour'),
      windows: [{ per: 'hour', amountMicro: 100n }],
    }
    const onlyCount: Limits = { ...windowed('hour'), windows: [{ per: 'hour', payments: 1 }] }
    const usage = (limits: Limits) => addHoldToLimits(limits, noUsage, 90n, MIDNIGHT)
    expect(kinds(onlyAmount, usage(onlyAmount), 10n)).toEqual([])
    expect(kinds(onlyAmount, usage(onlyAmount), 11n)).toEqual(['window'])
    expect(kinds(onlyCount, usage(onlyCount), 1n)).toEqual(['window'])
  })

  test.each(['minute', 'hour', 'day'] as const)(
    'of a %s counts a payment until the whole of its bucket has left',
    (per) => {
      const limits = windowed(per)
      const width = spanMs[per] / 60
      for (const offset of [0, 1, width - 1]) {
        const usage = addHoldToLimits(limits, noUsage, 100n, MIDNIGHT + offset)
        const gone = MIDNIGHT + width + spanMs[per]
        expect(kinds(limits, usage, 1n, MIDNIGHT + offset + spanMs[per])).toEqual(['window'])
        expect(kinds(limits, usage, 1n, gone - 1)).toEqual(['window'])
        expect(kinds(limits, usage, 1n, gone)).toEqual([])
      }
    },
  )

  test('of the UTC day ends at midnight, and not before', () => {
    const limits = windowed('utc-day')
    const usage = addHoldToLimits(limits, noUsage, 100n, MIDNIGHT)
    expect(kinds(limits, usage, 1n, MIDNIGHT + DAY - 1)).toEqual(['window'])
    expect(kinds(limits, usage, 1n, MIDNIGHT + DAY)).toEqual([])
    const late = addHoldToLimits(limits, noUsage, 100n, MIDNIGHT - 1)
    expect(kinds(limits, late, 100n, MIDNIGHT)).toEqual([])
  })

  test('counts what seems to lie ahead of the clock', () => {
    for (const per of ['minute', 'hour', 'day', 'utc-day'] as const) {
      const limits = windowed(per)
      const usage = addHoldToLimits(limits, noUsage, 100n, MIDNIGHT + 2 * DAY)
      expect(kinds(limits, usage, 1n, MIDNIGHT)).toEqual(['window'])
    }
  })

  test('forgets buckets that have left, so that usage stays small', () => {
    const limits = windowed('minute', 10n ** 9n, 1_000_000)
    let usage = noUsage
    for (let second = 0; second < 500; second += 1) {
      usage = addHoldToLimits(limits, usage, 1n, MIDNIGHT + second * 1_000)
    }
    expect(usage.windows[0]?.length).toBe(61)
  })

  test('a release takes amount and count out of the bucket of its reservation', () => {
    const limits = windowed('hour')
    const first = addHoldToLimits(limits, noUsage, 30n, MIDNIGHT)
    const second = addHoldToLimits(limits, first, 50n, MIDNIGHT + 5 * MINUTE)
    const released = releaseHoldFromLimits(limits, second, 50n, MIDNIGHT + 5 * MINUTE)
    expect(released.windows[0]).toEqual([
      { index: MIDNIGHT / MINUTE, amountMicro: 30n, payments: 1 },
      { index: MIDNIGHT / MINUTE + 5, amountMicro: 0n, payments: 0 },
    ])
    expect(kinds(limits, released, 70n, MIDNIGHT + 5 * MINUTE)).toEqual([])
    expect(kinds(limits, released, 71n, MIDNIGHT + 5 * MINUTE)).toEqual(['window'])
  })

  test('a release whose bucket has left takes nothing from the others', () => {
    const limits = windowed('minute')
    const first = addHoldToLimits(limits, noUsage, 30n, MIDNIGHT)
    const second = addHoldToLimits(limits, first, 50n, MIDNIGHT + HOUR)
    const released = releaseHoldFromLimits(limits, second, 30n, MIDNIGHT)
    expect(released.windows).toEqual(second.windows)
    expect(released).toMatchObject({ heldMicro: 50n, payments: 1 })
  })

  test('money that moved after its release counts again, as of now', () => {
    for (const per of ['minute', 'hour', 'day', 'utc-day'] as const) {
      const limits = windowed(per)
      const held = addHoldToLimits(limits, noUsage, 100n, MIDNIGHT)
      const released = releaseHoldFromLimits(limits, held, 100n, MIDNIGHT)
      const after = addOverrunToLimits(limits, released, 100n, MIDNIGHT + HOUR)
      expect(after).toMatchObject({ settledMicro: 100n, heldMicro: 0n, payments: 1 })
      expect(kinds(limits, after, 1n, MIDNIGHT + HOUR)).toEqual(['window'])
    }
  })
})
