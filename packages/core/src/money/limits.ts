import { z } from 'zod'
import { formatAmount, requireNonNegativeAmount } from './amount.ts'
import { amountField } from './amount-field.ts'
import {
  addToWindow,
  type Bucket,
  MAX_PAYMENTS,
  paymentsField,
  sumWindow,
  takeFromWindow,
  type WindowInput,
  type WindowLimit,
  windowsField,
} from './limit-windows.ts'

/**
 * The most that an account may spend: a session, a delegation or an end user over all delegations. A limit
 * that is absent is not checked.
 */
export interface Limits {
  /** The ISO 4217 code of the currency that all amounts are in. */
  readonly currency: string
  readonly totalMicro: bigint
  readonly perPaymentMicro?: bigint
  /** The number of payments, those released not counted. */
  readonly payments?: number
  readonly windows: readonly WindowLimit[]
  /** The limits for each merchant alone, within the limits over all merchants. */
  readonly perMerchant?: MerchantLimits
}

/** The most that an account may pay to one merchant: to one payee at one host. */
export interface MerchantLimits {
  readonly totalMicro?: bigint
  readonly payments?: number
  readonly windows: readonly WindowLimit[]
}

/** The money that an account has spent and holds, as the sum of the ledger's records. */
export interface Usage {
  readonly settledMicro: bigint
  readonly heldMicro: bigint
  /** The number of payments that were reserved and not released. */
  readonly payments: number
  /** The buckets of each window, in the order of the limits' windows; the oldest bucket is first. */
  readonly windows: readonly (readonly Bucket[])[]
}

/** The money that an account has spent and holds at one merchant. Kept if it has `perMerchant` limits. */
export interface MerchantUsage {
  /** The id of the session, the delegation or the end user's account. */
  readonly account: string
  readonly host: string
  readonly payee: string
  readonly usage: Usage
}

/** The limits that a payment is checked against: an account's, or those for one merchant. */
type CheckedLimits = Partial<Pick<Limits, 'totalMicro' | 'perPaymentMicro' | 'payments'>> &
  Pick<Limits, 'windows'>

/** A limit that a payment would exceed. */
export type Excess =
  | { readonly kind: 'per-payment'; readonly limitMicro: bigint }
  | { readonly kind: 'count'; readonly limit: number }
  | { readonly kind: 'window'; readonly window: WindowLimit }
  | { readonly kind: 'total'; readonly limitMicro: bigint; readonly remainingMicro: bigint }

/** The usage of an account without payments. */
export const noUsage: Usage = { settledMicro: 0n, heldMicro: 0n, payments: 0, windows: [] }

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

/** Parses `LimitsInput`, such as `{ currency: 'USD', total: '1.00', perPayment: '0.10' }`. */
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

/**
 * Limits as you write them. Amounts are positive decimal strings with at most six decimals, in `currency`.
 * A limit that you leave out is not checked.
 */
export interface LimitsInput {
  /** The ISO 4217 code of a currency, for example `USD`. */
  readonly currency: string
  /** The most for all payments together. */
  readonly total: string
  /** The most for one payment. */
  readonly perPayment?: string | undefined
  /** The most payments, from 1 to 1,000,000. Released payments do not count. */
  readonly payments?: number | undefined
  /** The most within spans of time: at most eight windows, each with another span. */
  readonly windows?: readonly WindowInput[] | undefined
  /** The most for each merchant alone: a total, payments, windows, or several of them. */
  readonly perMerchant?:
    | {
        readonly total?: string | undefined
        readonly payments?: number | undefined
        readonly windows?: readonly WindowInput[] | undefined
      }
    | undefined
}

/**
 * Returns a sentence that names the first limit of `inner` above its limit in `outer`, or undefined. A limit
 * that only one of the two has is not compared: each payment is checked against both.
 */
export function findWiderLimit(inner: Limits, outer: Limits): string | undefined {
  if (inner.currency !== outer.currency) return `limits.currency: must be ${outer.currency}`
  const wider = findWiderLimitField(inner, outer)
  if (wider) return `limits.${wider}`
  const { perMerchant } = inner
  const widerAtMerchant =
    perMerchant && outer.perMerchant && findWiderLimitField(perMerchant, outer.perMerchant)
  return widerAtMerchant && `limits.perMerchant.${widerAtMerchant}`
}

function findWiderLimitField(inner: CheckedLimits, outer: CheckedLimits): string | undefined {
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

/** Returns the part of the total that is neither spent nor held. It is below zero after an overrun. */
export function remainingLimitMicro(limits: Pick<Limits, 'totalMicro'>, usage: Usage): bigint {
  return limits.totalMicro - usage.settledMicro - usage.heldMicro
}

/** Returns the limits that one more payment would exceed, in the precedence of their denial codes. */
export function findLimitExcesses(
  limits: CheckedLimits,
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
    const spent = sumWindow(window.per, usage.windows[position] ?? [], now)
    const overAmount =
      window.amountMicro !== undefined && spent.amountMicro + amountMicro > window.amountMicro
    const overCount = window.payments !== undefined && spent.payments + 1 > window.payments
    if (overAmount || overCount) found.push({ kind: 'window', window })
  })
  const { totalMicro } = limits
  if (totalMicro === undefined) return found
  const remaining = remainingLimitMicro({ totalMicro }, usage)
  if (amountMicro > remaining) {
    const shown = remaining > 0n ? remaining : 0n
    found.push({ kind: 'total', limitMicro: totalMicro, remainingMicro: shown })
  }
  return found
}

/** Adds a new payment's hold to the usage. */
export function addHoldToLimits(
  limits: CheckedLimits,
  usage: Usage,
  amountMicro: bigint,
  now: number,
): Usage {
  return {
    settledMicro: usage.settledMicro,
    heldMicro: usage.heldMicro + requireNonNegativeAmount(amountMicro, 'new hold'),
    payments: usage.payments + 1,
    windows: limits.windows.map((window, position) =>
      addToWindow(window.per, usage.windows[position] ?? [], amountMicro, now),
    ),
  }
}

/**
 * Turns a hold into spent money. The part of the hold above `settledMicro` returns to the budget. Throws
 * `invariant_broken` if more was settled than held.
 */
export function settleHoldInLimits(usage: Usage, heldMicro: bigint, settledMicro: bigint): Usage {
  requireNonNegativeAmount(heldMicro - settledMicro, 'rest of a settled hold')
  return {
    ...usage,
    heldMicro: requireNonNegativeAmount(usage.heldMicro - heldMicro, 'held'),
    settledMicro: usage.settledMicro + requireNonNegativeAmount(settledMicro, 'settled'),
  }
}

/** Takes a payment's hold and count out of the usage and out of the buckets of its reservation. */
export function releaseHoldFromLimits(
  limits: CheckedLimits,
  usage: Usage,
  amountMicro: bigint,
  reservedAt: number,
): Usage {
  return {
    settledMicro: usage.settledMicro,
    heldMicro: requireNonNegativeAmount(usage.heldMicro - amountMicro, 'held'),
    payments: Number(requireNonNegativeAmount(BigInt(usage.payments - 1), 'payments')),
    windows: limits.windows.map((window, position) =>
      takeFromWindow(window.per, usage.windows[position] ?? [], amountMicro, reservedAt),
    ),
  }
}

/**
 * Adds a payment that settled after its hold was released. It counts in the buckets of the present time,
 * because the release took it out of those of its reservation.
 */
export function addOverrunToLimits(
  limits: CheckedLimits,
  usage: Usage,
  amountMicro: bigint,
  now: number,
): Usage {
  const { heldMicro, settledMicro } = usage
  return {
    ...addHoldToLimits(limits, usage, amountMicro, now),
    heldMicro,
    settledMicro: settledMicro + amountMicro,
  }
}

/**
 * Returns a sentence if `next` adds or drops per-merchant limits or one of their windows, or undefined. Each
 * merchant is counted from the account's first payment on, so only the amounts and counts may change.
 */
export function findMerchantLimitChange(
  before: Limits['perMerchant'],
  next: Limits['perMerchant'],
): string | undefined {
  const spansOf = (limits: MerchantLimits | undefined): string | undefined =>
    limits?.windows.map(({ per }) => per).join()
  return spansOf(before) === spansOf(next)
    ? undefined
    : 'limits.perMerchant: it and its windows neither begin nor end later; only what they allow may change'
}
