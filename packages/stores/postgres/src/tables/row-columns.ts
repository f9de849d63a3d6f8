import type { Usage } from '@bursar/core'
import { parseWindows, windowsJson } from '@bursar/core/store'
import type { Row, Statement, Write } from '../database/statement.ts'

/** Returns one array of values for each column of some rows: the parameters of an `unnest`. */
export function transposeRows(rows: readonly (readonly unknown[])[]): unknown[][] {
  const width = rows[0]?.length ?? 0
  return Array.from({ length: width }, (_, column) => rows.map((row) => row[column]))
}

/** Returns the write of some rows as a statement whose parameters are columns. No rows, no write. */
export function writeRows(
  statement: Statement,
  rows: readonly (readonly unknown[])[],
): readonly Write[] {
  return rows.length === 0 ? [] : [{ statement, values: transposeRows(rows) }]
}

/** Returns the columns of a usage, in the order `settled, held, payments, windows`. */
export function usageColumns(usage: Usage): [bigint, bigint, number, string | null] {
  return [usage.settledMicro, usage.heldMicro, usage.payments, windowsJson(usage.windows)]
}

/** Returns the usage of a row that has the columns `settled, held, payments, windows`. */
export function parseUsageColumns(row: Row): Usage {
  return {
    settledMicro: BigInt(row.settled as string),
    heldMicro: BigInt(row.held as string),
    payments: Number(row.payments),
    windows: parseWindows(row.windows as string | null),
  }
}

/** Returns an integer column as a number, or null if the column is null. */
export function numberColumnOrNull(column: unknown): number | null {
  return column === null ? null : Number(column)
}
