import { formatAmount } from '../money/amount.ts'
import type { Limits, MerchantLimits } from '../money/limits.ts'

/** Limits as they are recorded and shown. */
export function recordedLimits(limits: Limits): RecordedLimits {
  return {
    currency: limits.currency,
    total: formatAmount(limits.totalMicro),
    ...(limits.perPaymentMicro === undefined
      ? {}
      : { perPayment: formatAmount(limits.perPaymentMicro) }),
    ...(limits.payments === undefined ? {} : { payments: limits.payments }),
    ...(limits.windows.length === 0 ? {} : { windows: recordedWindows(limits.windows) }),
    ...(limits.perMerchant === undefined
      ? {}
      : { perMerchant: recordedMerchantLimits(limits.perMerchant) }),
  }
}
function recordedMerchantLimits({
  totalMicro,
  payments,
  windows,
}: MerchantLimits): NonNullable<RecordedLimits['perMerchant']> {
  return {
    ...(totalMicro === undefined ? {} : { total: formatAmount(totalMicro) }),
    ...(payments === undefined ? {} : { payments }),
    ...(windows.length === 0 ? {} : { windows: recordedWindows(windows) }),
  }
}
function recordedWindows(windows: Limits['windows']): NonNullable<RecordedLimits['windows']> {
  return windows.map(({ per, amountMicro, payments }) => ({
    per,
    ...(amountMicro === undefined ? {} : { amount: formatAmount(amountMicro) }),
    ...(payments === undefined ? {} : { payments }),
  }))
}

/** Limits as they are recorded: amounts are decimal strings. */
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
