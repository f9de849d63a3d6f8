import type { Bucket, Limits, MerchantLimits, Usage, WindowLimit, WindowSpan } from './limits.ts'

/**
 * Limits as a store keeps them in JSON, all but the total, which is a column of its own. JSON has no
 * bigint: amounts are decimal strings of micro-units.
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

/** What of the limits is cold: it is written once, and read with the account. */
export function limitsText(limits: Limits): LimitsText {
  const { currency, perPaymentMicro, payments, windows, perMerchant } = limits
  return {
    currency,
    ...(perPaymentMicro === undefined ? {} : { perPayment: perPaymentMicro.toString() }),
    ...(payments === undefined ? {} : { payments }),
    windows: windowLimitsText(windows),
    ...(perMerchant === undefined ? {} : { perMerchant: merchantLimitsText(perMerchant) }),
  }
}

/** The limits again, from the text and the column of the total. */
export function limitsFromText(text: LimitsText, totalMicro: bigint): Limits {
  const { currency, perPayment, payments, windows, perMerchant } = text
  return {
    currency,
    totalMicro,
    ...(perPayment === undefined ? {} : { perPaymentMicro: BigInt(perPayment) }),
    ...(payments === undefined ? {} : { payments }),
    windows: windowLimitsOf(windows),
    ...(perMerchant === undefined ? {} : { perMerchant: merchantLimitsOf(perMerchant) }),
  }
}

/** What each merchant may be paid, as JSON. */
type MerchantLimitsText = Pick<LimitsText, 'payments' | 'windows'> & { readonly total?: string }

function merchantLimitsText({ totalMicro, payments, windows }: MerchantLimits): MerchantLimitsText {
  return {
    ...(totalMicro === undefined ? {} : { total: totalMicro.toString() }),
    ...(payments === undefined ? {} : { payments }),
    windows: windowLimitsText(windows),
  }
}

function merchantLimitsOf({ total, payments, windows }: MerchantLimitsText): MerchantLimits {
  return {
    ...(total === undefined ? {} : { totalMicro: BigInt(total) }),
    ...(payments === undefined ? {} : { payments }),
    windows: windowLimitsOf(windows),
  }
}

function windowLimitsText(windows: Limits['windows']): LimitsText['windows'] {
  return windows.map(({ per, amountMicro, payments }) => ({
    per,
    ...(amountMicro === undefined ? {} : { amount: amountMicro.toString() }),
    ...(payments === undefined ? {} : { payments }),
  }))
}

function windowLimitsOf(windows: LimitsText['windows']): readonly WindowLimit[] {
  return windows.map(({ per, amount, payments }) => ({
    per,
    ...(amount === undefined ? {} : { amountMicro: BigInt(amount) }),
    ...(payments === undefined ? {} : { payments }),
  }))
}

/** What was reserved in each bucket of each window, as JSON; nothing where there is no window. */
export function windowsText(windows: Usage['windows']): string | null {
  if (windows.length === 0) return null
  return JSON.stringify(
    windows.map((buckets) =>
      buckets.map(({ index, amountMicro, payments }) => [index, amountMicro.toString(), payments]),
    ),
  )
}

/** The buckets again. */
export function windowsFromText(text: string): Usage['windows'] {
  const windows = JSON.parse(text) as [number, string, number][][]
  return windows.map((buckets) =>
    buckets.map(
      ([index, amount, payments]): Bucket => ({ index, amountMicro: BigInt(amount), payments }),
    ),
  )
}
