import { formatAmount } from '../money/amount.ts'
import type { Usage } from '../money/limits.ts'

/** What an account counts in its windows, as it is recorded. */
export function recordedWindows({ windows }: Usage): RecordedWindows {
  return windows.map((buckets) =>
    buckets.map(({ index, amountMicro, payments }) => ({
      index,
      amount: formatAmount(amountMicro),
      payments,
    })),
  )
}

/** What an account counts in its windows, as it is recorded: amounts are decimal strings. */
export type RecordedWindows = readonly (readonly {
  readonly index: number
  readonly amount: string
  readonly payments: number
}[])[]
