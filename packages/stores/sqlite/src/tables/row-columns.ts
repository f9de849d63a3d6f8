import type { Usage } from '@bursar/core'
import { parseWindows, windowsJson } from '@bursar/core/store'
import type { Row } from '../database/database.ts'

/** Returns the columns of a usage, in the order `settled, held, payments, windows`. */
export function usageColumns(usage: Usage): [bigint, bigint, number, string | null] {
  return [usage.settledMicro, usage.heldMicro, usage.payments, windowsJson(usage.windows)]
}

/** Returns the usage of a row that has the columns `settled, held, payments, windows`. */
export function parseUsageColumns(row: Row): Usage {
  return {
    settledMicro: row.settled as bigint,
    heldMicro: row.held as bigint,
    payments: Number(row.payments),
    windows: parseWindows(row.windows as string | null),
  }
}

/** Returns an integer column as a number, or null if the column is null. */
export function numberColumnOrNull(column: unknown): number | null {
  return column === null ? null : Number(column)
}
