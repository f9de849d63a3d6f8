import type { Operation } from '@bursar/core'
import { parseOperationRow, serviceRow } from '@bursar/core/store'
import type { Database } from '../database/database.ts'

/** The table of the operations that were done for an idempotency key. */
export interface OperationTable {
  find(id: string): Operation | undefined
  insert(operation: Operation): void
}

/** Returns the table of operations. */
export function operationTable(database: Database): OperationTable {
  const find = database.statement('SELECT * FROM operations WHERE id = ?')
  const insert = database.statement('INSERT INTO operations VALUES (?, ?)')
  return {
    find(id) {
      const row = find.get(id)
      return row && parseOperationRow({ id, json: row.body as string })
    },
    insert(operation) {
      const { id, json } = serviceRow(operation)
      insert.run(id, json)
    },
  }
}
