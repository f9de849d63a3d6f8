import type { Bucket, WindowLimit, WindowSpan } from '../money/limit-windows.ts'
import type { Limits, MerchantLimits, Usage } from '../money/limits.ts'

/**
 * Limits as a JSON value, all but their total, which has a column of its own. JSON has no bigint, so
 * amounts are decimal strings of micro-units.
 */
export interface LimitsJson {
  readonly currency: string
  readonly perPayment?: string
  readonly payments?: number
  readonly windows: readonly {
    readonly per: WindowSpan
    readonly amount?: string
    readonly payments?: number
  }[]
  readonly perMerchant?: MerchantLimitsJson
}

/** Returns the JSON value of limits, without their total. */
export function limitsJson(limits: Limits): LimitsJson {
  const { currency, perPaymentMicro, payments, windows, perMerchant } = limits
  return {
    currency,
    ...(perPaymentMicro === undefined ? {} : { perPayment: perPaymentMicro.toString() }),
    ...(payments === undefined ? {} : { payments }),
    windows: windowLimitsJson(windows),
    ...(perMerchant === undefined ? {} : { perMerchant: merchantLimitsJson(perMerchant) }),
  }
}

/** Returns the limits of a JSON value and of the column of the total. */
export function parseLimits(json: LimitsJson, totalMicro: bigint): Limits {
  const { currency, perPayment, payments, windows, perMerchant } = json
  return {
    currency,
    totalMicro,
    ...(perPayment === undefined ? {} : { perPaymentMicro: BigInt(perPayment) }),
    ...(payments === undefined ? {} : { payments }),
    windows: parseWindowLimits(windows),
    ...(perMerchant === undefined ? {} : { perMerchant: parseMerchantLimits(perMerchant) }),
  }
}

/** The limits for each merchant as a JSON value. */
type MerchantLimitsJson = Pick<LimitsJson, 'payments' | 'windows'> & { readonly total?: string }

function merchantLimitsJson({ totalMicro, payments, windows }: MerchantLimits): MerchantLimitsJson {
  return {
    ...(totalMicro === undefined ? {} : { total: totalMicro.toString() }),
    ...(payments === undefined ? {} : { payments }),
    windows: windowLimitsJson(windows),
  }
}

function parseMerchantLimits({ total, payments, windows }: MerchantLimitsJson): MerchantLimits {
  return {
    ...(total === undefined ? {} : { totalMicro: BigInt(total) }),
    ...(payments === undefined ? {} : { payments }),
    windows: parseWindowLimits(windows),
  }
}

function windowLimitsJson(windows: Limits['windows']): LimitsJson['windows'] {
  return windows.map(({ per, amountMicro, payments }) => ({
    per,
    ...(amountMicro === undefined ? {} : { amount: amountMicro.toString() }),
    ...(payments === undefined ? {} : { payments }),
  }))
}

function parseWindowLimits(windows: LimitsJson['windows']): readonly WindowLimit[] {
  return windows.map(({ per, amount, payments }) => ({
    per,
    ...(amount === undefined ? {} : { amountMicro: BigInt(amount) }),
    ...(payments === undefined ? {} : { payments }),
  }))
}

/**
 * Returns the JSON of the amounts in each bucket of each window, or null if there is no window.
 *
 * @example
 * ```ts
 * import type { Usage } from '@bursar/core'
 * import { windowsJson } from '@bursar/core/store'
 *
 * export function usageColumns(usage: Usage): [bigint, bigint, number, string | null] {
 *   return [usage.settledMicro, usage.heldMicro, usage.payments, windowsJson(usage.windows)]
 * }
 * ```
 */
export function windowsJson(windows: Usage['windows']): string | null {
  if (windows.length === 0) return null
  return JSON.stringify(
    windows.map((buckets) =>
      buckets.map(({ index, amountMicro, payments }) => [index, amountMicro.toString(), payments]),
    ),
  )
}

/**
 * Returns the windows of a usage from their JSON, or no windows if it is null.
 *
 * @example
 * ```ts
 * import type { Usage } from '@bursar/core'
 * import { parseWindows } from '@bursar/core/store'
 *
 * export function usageOf(settledMicro: bigint, heldMicro: bigint, windows: string | null): Usage {
 *   return { settledMicro, heldMicro, payments: 0, windows: parseWindows(windows) }
 * }
 * ```
 */
export function parseWindows(json: string | null): Usage['windows'] {
  if (json === null) return []
  const windows = JSON.parse(json) as [number, string, number][][]
  return windows.map((buckets) =>
    buckets.map(
      ([index, amount, payments]): Bucket => ({ index, amountMicro: BigInt(amount), payments }),
    ),
  )
}
