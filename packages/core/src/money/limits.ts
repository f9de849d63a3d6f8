import { z } from 'zod'
import { BursarError } from '../primitives/errors.ts'
import { formatAmount } from './amount.ts'
import { amountField } from './amount-field.ts'

/** What may be spent. The same shape serves sessions, delegations and end users. */
export interface Limits {
  readonly currency: string
  readonly totalMicro: bigint
  readonly perPaymentMicro?: bigint
  /** How many payments there may be. */
  readonly payments?: number
  readonly windows: readonly WindowLimit[]
  /** What each single merchant may be paid. */
  readonly perMerchant?: MerchantLimits
}

/** What one merchant may be paid out of some limits: the host that was dialled, and its payee. */
export interface MerchantLimits {
  readonly totalMicro?: bigint
  readonly payments?: number
  readonly windows: readonly WindowLimit[]
}

/** A limit over a stretch of time: rolling, or the calendar day in UTC. */
export interface WindowLimit {
  readonly per: WindowSpan
  readonly amountMicro?: bigint
  readonly payments?: number
}

export type WindowSpan = 'minute' | 'hour' | 'day' | 'utc-day'

/** What has been spent or is held of some limits, exactly as the ledger's records add up. */
export interface Usage {
  readonly settledMicro: bigint
  readonly heldMicro: bigint
  /** Payments that were reserved and not released. */
  readonly payments: number
  /** One list of buckets for each of the limits' windows, oldest bucket first. */
  readonly windows: readonly (readonly Bucket[])[]
}

/** What was reserved in one bucket of time. */
export interface Bucket {
  /** Number of the bucket since the epoch, in its window's own width. */
  readonly index: number
  readonly amountMicro: bigint
  readonly payments: number
}

/** What an account has spent or holds at one merchant. Kept where its limits are `perMerchant`. */
export interface MerchantUsage {
  /** Id of the session, the delegation or the end user's account. */
  readonly account: string
  readonly host: string
  readonly payee: string
  readonly usage: Usage
}

/** What a payment is measured by: limits of an account, or of one merchant within them. */
type Counted = Partial<Pick<Limits, 'totalMicro' | 'perPaymentMicro' | 'payments'>> &
  Pick<Limits, 'windows'>

/** Which limit a payment would exceed. */
export type Excess =
  | { readonly kind: 'per-payment'; readonly limitMicro: bigint }
  | { readonly kind: 'count'; readonly limit: number }
  | { readonly kind: 'window'; readonly window: WindowLimit }
  | { readonly kind: 'total'; readonly limitMicro: bigint; readonly remainingMicro: bigint }

export const noUsage: Usage = { settledMicro: 0n, heldMicro: 0n, payments: 0, windows: [] }

/** A rolling window is counted in this many buckets, and until a whole bucket has left it. */
const BUCKETS = 60

/** More windows than anyone needs; each is counted at every payment. */
const MAX_WINDOWS = 8

/** More payments than a session should ever be allowed. */
const MAX_PAYMENTS = 1_000_000

const spanMs: Readonly<Record<WindowSpan, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  'utc-day': 86_400_000,
}

const paymentsField = z.number().int().min(1).max(MAX_PAYMENTS)

const windowsField = z
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

const perMerchantField = z
  .strictObject({
    total: amountField.optional(),
    payments: paymentsField.optional(),
    windows: windowsField.min(1).optional(),
  })
  .refine(({ total, payments, windows }) => total ?? payments ?? windows, {
    message: 'needs a total, payments, windows, or several of them',
  })
  .transform(({ total, payments, windows }) => ({
    ...(total === undefined ? {} : { totalMicro: total }),
    ...(payments === undefined ? {} : { payments }),
    windows: windows ?? [],
  }))

/** How limits are written: `{ currency: 'USD', total: '1.00', perPayment: '0.10' }`. */
export const limitsInput: z.ZodType<Limits, LimitsInput> = z
  .strictObject({
    currency: z.string().regex(/^[A-Z]{3}$/, 'must be a currency code such as USD'),
    total: amountField,
    perPayment: amountField.optional(),
    payments: paymentsField.optional(),
    windows: windowsField.optional(),
    perMerchant: perMerchantField.optional(),
  })
  .transform(({ currency, total, perPayment, payments, windows, perMerchant }) => ({
    currency,
    totalMicro: total,
    ...(perPayment === undefined ? {} : { perPaymentMicro: perPayment }),
    ...(payments === undefined ? {} : { payments }),
    windows: windows ?? [],
    ...(perMerchant === undefined ? {} : { perMerchant }),
  }))

/** Limits as people write them; amounts are decimal strings. */
export interface LimitsInput {
  readonly currency: string
  readonly total: string
  readonly perPayment?: string | undefined
  readonly payments?: number | undefined
  readonly windows?: readonly WindowInput[] | undefined
  /** What each single merchant may be paid; at least one of these. */
  readonly perMerchant?:
    | {
        readonly total?: string | undefined
        readonly payments?: number | undefined
        readonly windows?: readonly WindowInput[] | undefined
      }
    | undefined
}

interface WindowInput {
  readonly per: WindowSpan
  readonly amount?: string | undefined
  readonly payments?: number | undefined
}

/** Which limit is wider than the one that it has to stay within, as a text that names the field. */
export function widerThan(inner: Limits, outer: Limits): string | undefined {
  if (inner.currency !== outer.currency) return `limits.currency: must be ${outer.currency}`
  const wider = widerField(inner, outer)
  const ofMerchants =
    inner.perMerchant && outer.perMerchant && widerField(inner.perMerchant, outer.perMerchant)
  return wider ? `limits.${wider}` : ofMerchants && `limits.perMerchant.${ofMerchants}`
}

/** What is left out is bound by the outer limits at every payment. */
function widerField(inner: Counted, outer: Counted): string | undefined {
  const amounts = [
    ['total', inner.totalMicro, outer.totalMicro],
    ['perPayment', inner.perPaymentMicro, outer.perPaymentMicro],
  ] as const
  for (const [field, own, most] of amounts) {
    if (own !== undefined && most !== undefined && own > most) {
      return `${field}: must be at most ${formatAmount(most)}`
    }
  }
  if ((inner.payments ?? 0) > (outer.payments ?? MAX_PAYMENTS)) {
    return `payments: must be at most ${outer.payments}`
  }
  for (const window of inner.windows) {
    const most = outer.windows.find(({ per }) => per === window.per)
    if (!most) continue
    const { amountMicro = 0n, payments = 0 } = window
    if (most.amountMicro !== undefined && amountMicro > most.amountMicro) {
      return `windows: must be at most ${formatAmount(most.amountMicro)} per ${most.per}`
    }
    if (most.payments !== undefined && payments > most.payments) {
      return `windows: must be at most ${most.payments} payments per ${most.per}`
    }
  }
  return undefined
}

/** What is left of the total. Below zero only after an overrun. */
export function remainingMicro(limits: Limits, usage: Usage): bigint {
  return left(limits.totalMicro, usage)
}

function left(totalMicro: bigint, { settledMicro, heldMicro }: Usage): bigint {
  return totalMicro - settledMicro - heldMicro
}

/** The limits that one more payment would exceed, in the order of the denial codes. */
export function excesses(
  limits: Counted,
  usage: Usage,
  amountMicro: bigint,
  now: number,
): Excess[] {
  const found: Excess[] = []
  if (limits.perPaymentMicro !== undefined && amountMicro > limits.perPaymentMicro) {
    found.push({ kind: 'per-payment', limitMicro: limits.perPaymentMicro })
  }
  if (limits.payments !== undefined && usage.payments + 1 > limits.payments) {
    found.push({ kind: 'count', limit: limits.payments })
  }
  limits.windows.forEach((window, position) => {
    const spent = windowSpent(window.per, usage.windows[position] ?? [], now)
    const overAmount =
      window.amountMicro !== undefined && spent.amountMicro + amountMicro > window.amountMicro
    const overCount = window.payments !== undefined && spent.payments + 1 > window.payments
    if (overAmount || overCount) found.push({ kind: 'window', window })
  })
  const { totalMicro } = limits
  const remaining = totalMicro === undefined ? amountMicro : left(totalMicro, usage)
  if (totalMicro !== undefined && amountMicro > remaining) {
    found.push({
      kind: 'total',
      limitMicro: totalMicro,
      remainingMicro: remaining > 0n ? remaining : 0n,
    })
  }
  return found
}

/** Adds a payment's hold. */
export function hold(limits: Counted, usage: Usage, amountMicro: bigint, now: number): Usage {
  return {
    settledMicro: usage.settledMicro,
    heldMicro: usage.heldMicro + notNegative(amountMicro, 'new hold'),
    payments: usage.payments + 1,
    windows: limits.windows.map((window, position) =>
      addToBucket(window.per, usage.windows[position] ?? [], amountMicro, now),
    ),
  }
}

/**
 * Turns a hold into spent money; what the rail did not take returns to the budget. It never takes
 * more than was held.
 */
export function settleHold(usage: Usage, heldMicro: bigint, settledMicro: bigint): Usage {
  notNegative(heldMicro - settledMicro, 'rest of a settled hold')
  return {
    ...usage,
    heldMicro: notNegative(usage.heldMicro - heldMicro, 'held'),
    settledMicro: usage.settledMicro + notNegative(settledMicro, 'settled'),
  }
}

/** Gives a hold back, amount and count, and takes both out of the bucket of its reservation. */
export function releaseHold(
  limits: Counted,
  usage: Usage,
  amountMicro: bigint,
  reservedAt: number,
): Usage {
  return {
    settledMicro: usage.settledMicro,
    heldMicro: notNegative(usage.heldMicro - amountMicro, 'held'),
    payments: Number(notNegative(BigInt(usage.payments - 1), 'payments')),
    windows: limits.windows.map((window, position) =>
      takeFromBucket(
        usage.windows[position] ?? [],
        amountMicro,
        bucketIndex(window.per, reservedAt),
      ),
    ),
  }
}

/**
 * Counts money that moved although its hold had been released. The release took it out of the bucket
 * of its reservation; it counts as of now, so that no window shows too little.
 */
export function overrun(limits: Counted, usage: Usage, amountMicro: bigint, now: number): Usage {
  const { heldMicro, settledMicro } = usage
  return {
    ...hold(limits, usage, amountMicro, now),
    heldMicro,
    settledMicro: settledMicro + amountMicro,
  }
}

/**
 * What a window begins with where payments came before it, of which nobody has kept the times: all
 * of them as of now, so that it never shows too little.
 */
export function begunWindow(
  per: WindowSpan,
  { settledMicro, heldMicro, payments }: Usage,
  now: number,
): readonly Bucket[] {
  if (payments === 0) return []
  return [{ index: bucketIndex(per, now), amountMicro: settledMicro + heldMicro, payments }]
}

/**
 * Why per-merchant limits cannot become others: each merchant is counted from the beginning, or not at
 * all. What they allow may change at any time.
 */
export function perMerchantProblem(
  before: Limits['perMerchant'],
  next: Limits['perMerchant'],
): string | undefined {
  const spans = (one: MerchantLimits | undefined): string | undefined =>
    one?.windows.map(({ per }) => per).join()
  return spans(before) === spans(next)
    ? undefined
    : 'limits.perMerchant: it and its windows neither begin nor end later; only what they allow may change'
}

function windowSpent(
  per: WindowSpan,
  buckets: readonly Bucket[],
  now: number,
): { amountMicro: bigint; payments: number } {
  const oldest = oldestBucket(per, now)
  let amountMicro = 0n
  let payments = 0
  for (const bucket of buckets) {
    if (bucket.index < oldest) continue
    amountMicro += bucket.amountMicro
    payments += bucket.payments
  }
  return { amountMicro, payments }
}

function addToBucket(
  per: WindowSpan,
  buckets: readonly Bucket[],
  amountMicro: bigint,
  now: number,
): Bucket[] {
  const index = bucketIndex(per, now)
  const kept = buckets.filter((bucket) => bucket.index >= oldestBucket(per, now))
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

function takeFromBucket(
  buckets: readonly Bucket[],
  amountMicro: bigint,
  index: number,
): readonly Bucket[] {
  return buckets.map((bucket) =>
    bucket.index === index
      ? {
          index,
          amountMicro: notNegative(bucket.amountMicro - amountMicro, 'window amount'),
          payments: Number(notNegative(BigInt(bucket.payments - 1), 'window payments')),
        }
      : bucket,
  )
}

function bucketIndex(per: WindowSpan, at: number): number {
  const widthMs = per === 'utc-day' ? spanMs[per] : spanMs[per] / BUCKETS
  return Math.floor(at / widthMs)
}

/** A bucket is counted until the whole of it has left the window: never too little. */
function oldestBucket(per: WindowSpan, now: number): number {
  return per === 'utc-day' ? bucketIndex(per, now) : bucketIndex(per, now) - BUCKETS
}

function notNegative(value: bigint, what: string): bigint {
  if (value < 0n)
    throw new BursarError('invariant_broken', `The ${what} of an account fell below zero.`)
  return value
}
