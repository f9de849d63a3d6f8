import { type Usage, windowsFromText, windowsText } from '@bursar/core'
import type { Row } from '../database/database.ts'

/** The columns of an account's usage, in the order `settled, held, payments, windows`. */
export function usageColumns(usage: Usage): [bigint, bigint, number, string | null] {
  return [usage.settledMicro, usage.heldMicro, usage.payments, windowsText(usage.windows)]
}

/** The usage again, from its columns. */
export function usageOf(row: Row): Usage {
  return {
    settledMicro: row.settled as bigint,
    heldMicro: row.held as bigint,
    payments: Number(row.payments),
    windows: row.windows === null ? [] : windowsFromText(row.windows as string),
  }
}
