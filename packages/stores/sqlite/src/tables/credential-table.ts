import type { Credential, Operation } from '@bursar/core'
import type { Database, Row } from '../database/database.ts'
import type { PageBounds } from './cursor.ts'

/** One key of the service with its row's key. */
export interface CredentialRow {
  readonly pk: bigint
  readonly value: Credential
}

/** Keys of the service, and operations that were done for an idempotency key: few, and small. */
export interface CredentialTable {
  find(id: string): Credential | undefined
  put(value: Credential): void
  list(bounds: PageBounds): readonly CredentialRow[]
  operation(id: string): Operation | undefined
  putOperation(value: Operation): void
}

export function credentialTable(database: Database): CredentialTable {
  const find = database.statement('SELECT * FROM credentials WHERE id = ?')
  const put = database.statement(`INSERT INTO credentials (id, body) VALUES (?, ?)
    ON CONFLICT (id) DO UPDATE SET body = excluded.body`)
  const list = database.statement('SELECT * FROM credentials WHERE pk > ? ORDER BY pk LIMIT ?')
  const findOperation = database.statement('SELECT * FROM operations WHERE id = ?')
  const putOperation = database.statement('INSERT INTO operations VALUES (?, ?)')
  return {
    find(id) {
      const row = find.get(id)
      return row && (whole(row) as Credential)
    },
    put({ id, ...body }) {
      put.run(id, JSON.stringify(body))
    },
    list: ({ after, limit }) =>
      list
        .all(after, limit)
        .map((row) => ({ pk: row.pk as bigint, value: whole(row) as Credential })),
    operation(id) {
      const row = findOperation.get(id)
      return row && (whole(row) as Operation)
    },
    putOperation({ id, ...body }) {
      putOperation.run(id, JSON.stringify(body))
    },
  }
}

function whole(row: Row): { readonly id: string } {
  return { id: row.id as string, ...(JSON.parse(row.body as string) as object) }
}
