/**
 * Runs work over rows in batches of `concurrency`, one batch after the other. Returns the results in the
 * order of the rows. Throws the first error, and then starts no further batch.
 */
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
