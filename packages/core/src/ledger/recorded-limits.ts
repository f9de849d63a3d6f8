import { formatAmount } from '../money/amount.ts'
import type { Limits, MerchantLimits } from '../money/limits.ts'

/** Converts limits to the form in which they are recorded and shown. */
export function recordedLimits(limits: Limits): RecordedLimits {
  return {
    currency: limits.currency,
    total: formatAmount(limits.totalMicro),
    ...(limits.perPaymentMicro === undefined
      ? {}
      : { perPayment: formatAmount(limits.perPaymentMicro) }),
    ...(limits.payments === undefined ? {} : { payments: limits.payments }),
    ...(limits.windows.length === 0 ? {} : { windows: recordWindows(limits.windows) }),
    ...(limits.perMerchant === undefined
      ? {}
      : { perMerchant: recordMerchantLimits(limits.perMerchant) }),
  }
}

function recordMerchantLimits({
  totalMicro,
  payments,
  windows,
}: MerchantLimits): NonNullable<RecordedLimits['perMerchant']> {
  return {
    ...(totalMicro === undefined ? {} : { total: formatAmount(totalMicro) }),
    ...(payments === undefined ? {} : { payments }),
    ...(windows.length === 0 ? {} : { windows: recordWindows(windows) }),
  }
}

function recordWindows(windows: Limits['windows']): NonNullable<RecordedLimits['windows']> {
  return windows.map(({ per, amountMicro, payments }) => ({
    per,
    ...(amountMicro === undefined ? {} : { amount: formatAmount(amountMicro) }),
    ...(payments === undefined ? {} : { payments }),
  }))
}

/** The recorded form of limits: amounts are decimal strings in `currency`. */
export interface RecordedLimits {
  readonly currency: string
  readonly total: string
  readonly perPayment?: string
  readonly payments?: number
  readonly windows?: readonly RecordedWindow[]
  readonly perMerchant?: {
    readonly total?: string
    readonly payments?: number
    readonly windows?: readonly RecordedWindow[]
  }
}

interface RecordedWindow {
  readonly per: string
  readonly amount?: string
  readonly payments?: number
}
