import { type SQLInputValue, StatementSync } from 'node:sqlite'
import { cuttingProxy } from '../../packages/stores/postgres/src/test-process/cutting-proxy.ts'

/** Calls `cross` before and after SQLite makes a transaction durable. */
export function watchSqlite(cross: () => void): void {
  const { run } = StatementSync.prototype
  Object.assign(StatementSync.prototype, {
    run(this: StatementSync, ...values: SQLInputValue[]) {
      if (this.sourceSQL !== 'COMMIT') return Reflect.apply(run, this, values)
      cross()
      const result = Reflect.apply(run, this, values)
      cross()
      return result
    },
  })
}

/**
 * Calls `cross` before PostgreSQL receives a commit, and after it has committed but before the client
 * has its answer. Returns the URL of the proxy that the client must connect through.
 */
export async function watchPostgres(url: string, cross: () => void): Promise<string> {
  return (await cuttingProxy(url, cross)).url
}
