/** Runs over rows, at most `concurrency` of them at the same time, and returns the results in the rows' order. */
export async function inTurns<Row, Result>(
  rows: readonly Row[],
  concurrency: number,
  run: (row: Row) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let start = 0; start < rows.length; start += concurrency) {
    results.push(...(await Promise.all(rows.slice(start, start + concurrency).map(run))))
  }
  return results
}
