import type { Operation } from '@bursar/core'
import { parseOperationRow, serviceRow } from '@bursar/core/store'
import type { Database } from '../database/database.ts'

/** The table of the operations that were done with an idempotency key or under a name. */
export interface OperationTable {
  find(id: string): Operation | undefined
  put(operation: Operation): void
}

/** Returns the table of operations. */
export function operationTable(database: Database): OperationTable {
  const find = database.statement('SELECT * FROM operations WHERE id = ?')
  const put = database.statement('INSERT OR REPLACE INTO operations VALUES (?, ?)')
  return {
    find(id) {
      const row = find.get(id)
      return row && parseOperationRow({ id, json: row.body as string })
    },
    put(operation) {
      const { id, json } = serviceRow(operation)
      put.run(id, json)
    },
  }
}
