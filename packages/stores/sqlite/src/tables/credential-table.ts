import type { Credential } from '@bursar/core'
import { parseCredentialRow, serviceRow } from '@bursar/core/store'
import type { Database, Row } from '../database/database.ts'

/** The table of the credentials that open the service: few, and small. */
export interface CredentialTable {
  find(id: string): Credential | undefined
  put(credential: Credential): void
}

/** Reads whole credentials; a condition follows. */
export const selectCredentials = 'SELECT * FROM credentials'

/** Returns the table of credentials. */
export function credentialTable(database: Database): CredentialTable {
  const find = database.statement(`${selectCredentials} WHERE id = ?`)
  const put = database.statement(`INSERT INTO credentials (id, body) VALUES (?, ?)
    ON CONFLICT (id) DO UPDATE SET body = excluded.body`)
  return {
    find(id) {
      const row = find.get(id)
      return row && parseCredential(row)
    },
    put(credential) {
      const { id, json } = serviceRow(credential)
      put.run(id, json)
    },
  }
}

/** Returns the credential of a row that `selectCredentials` reads. */
export function parseCredential(row: Row): Credential {
  return parseCredentialRow({ id: row.id as string, json: row.body as string })
}
