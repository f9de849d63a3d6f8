import type { Bucket, WindowLimit, WindowSpan } from './limit-windows.ts'
import type { Limits, MerchantLimits, Usage } from './limits.ts'

/**
 * The JSON that a store keeps of limits. The total is missing, because it is a column of its own. Amounts
 * are decimal strings of micro-units.
 */
export interface LimitsText {
  readonly currency: string
  readonly perPayment?: string
  readonly payments?: number
  readonly windows: readonly {
    readonly per: WindowSpan
    readonly amount?: string
    readonly payments?: number
  }[]
  readonly perMerchant?: MerchantLimitsText
}

/**
 * Converts limits, without their total, to the JSON that a store keeps in the row of the account.
 *
 * @example
 * ```ts
 * limitsText({ currency: 'USD', totalMicro: 5_000_000n, perPaymentMicro: 100_000n, windows: [] })
 * // { currency: 'USD', perPayment: '100000', windows: [] }
 * ```
 */
export function limitsText(limits: Limits): LimitsText {
  const { currency, perPaymentMicro, payments, windows, perMerchant } = limits
  return {
    currency,
    ...(perPaymentMicro === undefined ? {} : { perPayment: perPaymentMicro.toString() }),
    ...(payments === undefined ? {} : { payments }),
    windows: writeWindowLimits(windows),
    ...(perMerchant === undefined ? {} : { perMerchant: writeMerchantLimits(perMerchant) }),
  }
}

/**
 * Converts the JSON of `limitsText` and the stored total, in micro-units, back to limits.
 *
 * @example
 * ```ts
 * const { totalMicro } = limitsFromText({ currency: 'USD', windows: [] }, 5_000_000n)
 * ```
 */
export function limitsFromText(text: LimitsText, totalMicro: bigint): Limits {
  const { currency, perPayment, payments, windows, perMerchant } = text
  return {
    currency,
    totalMicro,
    ...(perPayment === undefined ? {} : { perPaymentMicro: BigInt(perPayment) }),
    ...(payments === undefined ? {} : { payments }),
    windows: readWindowLimits(windows),
    ...(perMerchant === undefined ? {} : { perMerchant: readMerchantLimits(perMerchant) }),
  }
}

/** The limits for each merchant as JSON. */
type MerchantLimitsText = Pick<LimitsText, 'payments' | 'windows'> & { readonly total?: string }

function writeMerchantLimits({
  totalMicro,
  payments,
  windows,
}: MerchantLimits): MerchantLimitsText {
  return {
    ...(totalMicro === undefined ? {} : { total: totalMicro.toString() }),
    ...(payments === undefined ? {} : { payments }),
    windows: writeWindowLimits(windows),
  }
}

function readMerchantLimits({ total, payments, windows }: MerchantLimitsText): MerchantLimits {
  return {
    ...(total === undefined ? {} : { totalMicro: BigInt(total) }),
    ...(payments === undefined ? {} : { payments }),
    windows: readWindowLimits(windows),
  }
}

function writeWindowLimits(windows: Limits['windows']): LimitsText['windows'] {
  return windows.map(({ per, amountMicro, payments }) => ({
    per,
    ...(amountMicro === undefined ? {} : { amount: amountMicro.toString() }),
    ...(payments === undefined ? {} : { payments }),
  }))
}

function readWindowLimits(windows: LimitsText['windows']): readonly WindowLimit[] {
  return windows.map(({ per, amount, payments }) => ({
    per,
    ...(amount === undefined ? {} : { amountMicro: BigInt(amount) }),
    ...(payments === undefined ? {} : { payments }),
  }))
}

/**
 * Writes the buckets of an account's windows as JSON text. Returns null if the account has no windows.
 *
 * @example
 * ```ts
 * windowsText([[{ index: 7, amountMicro: 100_000n, payments: 1 }]]) // '[[[7,"100000",1]]]'
 * ```
 */
export function windowsText(windows: Usage['windows']): string | null {
  if (windows.length === 0) return null
  return JSON.stringify(
    windows.map((buckets) =>
      buckets.map(({ index, amountMicro, payments }) => [index, amountMicro.toString(), payments]),
    ),
  )
}

/**
 * Reads the buckets of an account's windows from the text of `windowsText`.
 *
 * @example
 * ```ts
 * const [hour] = windowsFromText('[[[7,"100000",1]]]')
 * ```
 */
export function windowsFromText(text: string): Usage['windows'] {
  const windows = JSON.parse(text) as [number, string, number][][]
  return windows.map((buckets) =>
    buckets.map(
      ([index, amount, payments]): Bucket => ({ index, amountMicro: BigInt(amount), payments }),
    ),
  )
}
