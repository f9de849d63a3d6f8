import { z } from 'zod'
import { requireNonNegativeAmount } from './amount.ts'
import { amountField } from './amount-field.ts'

/** A limit over a span of time. It has an amount, a number of payments, or both. */
export interface WindowLimit {
  readonly per: WindowSpan
  readonly amountMicro?: bigint
  readonly payments?: number
}

/** The span of a window: the last minute, hour or 24 hours, or the calendar day in UTC. */
export type WindowSpan = 'minute' | 'hour' | 'day' | 'utc-day'

/** The payments that were reserved within one bucket of time, without those released. */
export interface Bucket {
  /** The bucket's number since the epoch, counted in the bucket width of its window. */
  readonly index: number
  readonly amountMicro: bigint
  readonly payments: number
}

/** A window limit as people write it: `{ per: 'hour', amount: '0.50', payments: 10 }`. */
export interface WindowInput {
  readonly per: WindowSpan
  /** A decimal string in the currency of the limits. */
  readonly amount?: string | undefined
  readonly payments?: number | undefined
}

/** The buckets of a rolling window. The oldest one counts until all of it has left the window. */
const BUCKETS = 60

/** The most windows of one account: each is counted at every payment. */
const MAX_WINDOWS = 8

/** The most payments that a limit may allow: more would be no limit. */
export const MAX_PAYMENTS = 1_000_000

const spanMs: Readonly<Record<WindowSpan, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  'utc-day': 86_400_000,
}

/** A number of payments that a limit allows, from 1 to `MAX_PAYMENTS`. */
export const paymentsField: z.ZodType<number, number> = z.number().int().min(1).max(MAX_PAYMENTS)

/** At most `MAX_WINDOWS` window limits, each with another span. */
export const windowsField: z.ZodArray<z.ZodType<WindowLimit, WindowInput>> = z
  .array(
    z
      .strictObject({
        per: z.enum(['minute', 'hour', 'day', 'utc-day']),
        amount: amountField.optional(),
        payments: paymentsField.optional(),
      })
      .refine((window) => window.amount !== undefined || window.payments !== undefined, {
        message: 'needs an amount, payments, or both',
      })
      .transform(({ per, amount, payments }) => ({
        per,
        ...(amount === undefined ? {} : { amountMicro: amount }),
        ...(payments === undefined ? {} : { payments }),
      })),
  )
  .max(MAX_WINDOWS)
  .refine((windows) => new Set(windows.map(({ per }) => per)).size === windows.length, {
    message: 'has two windows for the same time',
  })

/** Adds up the amount and the payments that a window counts now. */
export function sumWindow(
  per: WindowSpan,
  buckets: readonly Bucket[],
  now: number,
): { amountMicro: bigint; payments: number } {
  const oldest = oldestWindowIndex(per, now)
  let amountMicro = 0n
  let payments = 0
  for (const bucket of buckets) {
    if (bucket.index < oldest) continue
    amountMicro += bucket.amountMicro
    payments += bucket.payments
  }
  return { amountMicro, payments }
}

/** Adds a payment to the bucket of the present time, and forgets the buckets that have left the window. */
export function addToWindow(
  per: WindowSpan,
  buckets: readonly Bucket[],
  amountMicro: bigint,
  now: number,
): Bucket[] {
  const index = windowBucketIndex(per, now)
  const kept = buckets.filter((bucket) => bucket.index >= oldestWindowIndex(per, now))
  const found = kept.find((bucket) => bucket.index === index)
  if (!found) return [...kept, { index, amountMicro, payments: 1 }]
  return kept.map((bucket) =>
    bucket === found
      ? {
          index,
          amountMicro: bucket.amountMicro + amountMicro,
          payments: bucket.payments + 1,
        }
      : bucket,
  )
}

/** Takes a payment out of the bucket of its reservation, if the window still has that bucket. */
export function takeFromWindow(
  per: WindowSpan,
  buckets: readonly Bucket[],
  amountMicro: bigint,
  reservedAt: number,
): readonly Bucket[] {
  const index = windowBucketIndex(per, reservedAt)
  return buckets.map((bucket) =>
    bucket.index === index
      ? {
          index,
          amountMicro: requireNonNegativeAmount(bucket.amountMicro - amountMicro, 'window amount'),
          payments: Number(
            requireNonNegativeAmount(BigInt(bucket.payments - 1), 'window payments'),
          ),
        }
      : bucket,
  )
}

/**
 * Makes the first bucket of a window that begins after payments. Their times are unknown, so the window
 * counts all of them as of now and never shows too little.
 */
export function startWindow(
  per: WindowSpan,
  spent: { readonly settledMicro: bigint; readonly heldMicro: bigint; readonly payments: number },
  now: number,
): readonly Bucket[] {
  const { settledMicro, heldMicro, payments } = spent
  if (payments === 0) return []
  return [{ index: windowBucketIndex(per, now), amountMicro: settledMicro + heldMicro, payments }]
}

/** Returns the index of the bucket that a time falls into. */
function windowBucketIndex(per: WindowSpan, at: number): number {
  const widthMs = per === 'utc-day' ? spanMs[per] : spanMs[per] / BUCKETS
  return Math.floor(at / widthMs)
}

/** Returns the index of the oldest bucket that still counts, though part of it may have left. */
function oldestWindowIndex(per: WindowSpan, now: number): number {
  return per === 'utc-day' ? windowBucketIndex(per, now) : windowBucketIndex(per, now) - BUCKETS
}
