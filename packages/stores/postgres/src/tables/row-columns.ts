/** Rows of values as columns of values: one array for each parameter of a statement's `unnest`. */
export function columnsOf(rows: readonly (readonly unknown[])[]): unknown[][] {
  const width = rows[0]?.length ?? 0
  return Array.from({ length: width }, (_, column) => rows.map((row) => row[column]))
}
