import type { Bucket, Limits, MerchantLimits, Usage, WindowLimit, WindowSpan } from '@bursar/core'
import type { Row } from './statement.ts'

/** What of the limits is cold, as JSON: the total is a column of its own. */
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

/** JSON has no bigint: amounts are written as decimal strings of micro-units. */
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
export function limitsOf(text: LimitsText, totalMicro: bigint): Limits {
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

/** The columns of an account's usage, in the order `settled, held, payments, windows`. */
export function usageColumns(usage: Usage): [bigint, bigint, number, string | null] {
  return [usage.settledMicro, usage.heldMicro, usage.payments, windowsText(usage.windows)]
}

/** The usage again, from its columns. */
export function usageOf(row: Row): Usage {
  return {
    settledMicro: BigInt(row.settled as string),
    heldMicro: BigInt(row.held as string),
    payments: Number(row.payments),
    windows: row.windows === null ? [] : windowsOf(row.windows as string),
  }
}

function windowsText(windows: Usage['windows']): string | null {
  if (windows.length === 0) return null
  return JSON.stringify(
    windows.map((buckets) =>
      buckets.map(({ index, amountMicro, payments }) => [index, amountMicro.toString(), payments]),
    ),
  )
}

function windowsOf(text: string): Usage['windows'] {
  const windows = JSON.parse(text) as [number, string, number][][]
  return windows.map((buckets) =>
    buckets.map(
      ([index, amount, payments]): Bucket => ({ index, amountMicro: BigInt(amount), payments }),
    ),
  )
}
