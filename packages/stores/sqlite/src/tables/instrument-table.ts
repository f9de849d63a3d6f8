import type { RegisteredInstrument } from '@bursar/core'
import type { Database } from '../database/database.ts'

/** The table of registered instruments. */
export interface InstrumentTable {
  find(handle: string): RegisteredInstrument | undefined
  put(instrument: RegisteredInstrument): void
}

/** Returns the table of instruments. */
export function instrumentTable(database: Database): InstrumentTable {
  const find = database.statement('SELECT * FROM instruments WHERE handle = ?')
  const put = database.statement('INSERT OR REPLACE INTO instruments VALUES (?, ?, ?)')
  return {
    find(handle) {
      const row = find.get(handle)
      if (!row) return undefined
      const { end_user: endUser, registered_at: registeredAt } = row
      return { handle, endUser: endUser as string, registeredAt: Number(registeredAt) }
    },
    put({ handle, endUser, registeredAt }) {
      put.run(handle, endUser, registeredAt)
    },
  }
}
