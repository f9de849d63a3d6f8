import { type Usage, windowsFromText, windowsText } from '@bursar/core'
import type { Row } from '../database/statement.ts'

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
    windows: row.windows === null ? [] : windowsFromText(row.windows as string),
  }
}
