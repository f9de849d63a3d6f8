import { formatAmount } from '../money/amount.ts'
import type { Usage } from '../money/limits.ts'

/** Converts the windows of an account's usage to the form in which they are recorded. */
export function recordedWindows({ windows }: Usage): RecordedWindows {
  return windows.map((buckets) =>
    buckets.map(({ index, amountMicro, payments }) => ({
      index,
      amount: formatAmount(amountMicro),
      payments,
    })),
  )
}

/** The recorded buckets of an account's windows: amounts are decimal strings. */
export type RecordedWindows = readonly (readonly {
  readonly index: number
  readonly amount: string
  readonly payments: number
}[])[]
