import type { Content } from '@bursar/core'
import type { Database } from '../database/database.ts'

/** The table of the responses that are kept with their payments. */
export interface ContentTable {
  /** Finds the content of a payment by the payment's id. */
  find(payment: string): Content | undefined
  put(payment: bigint, content: Content): void
}

/** Returns the table of contents. */
export function contentTable(database: Database): ContentTable {
  const find = database.statement(`SELECT c.* FROM contents c
    JOIN payments p ON p.pk = c.payment WHERE p.id = ?`)
  const put = database.statement('INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?, ?)')
  return {
    find(payment) {
      const row = find.get(payment)
      if (!row) return undefined
      return {
        payment,
        status: Number(row.status),
        headers: JSON.parse(row.headers as string) as Content['headers'],
        body: row.body as Uint8Array,
        truncated: row.truncated === 1n,
      }
    },
    put(payment, { status, headers, body, truncated }) {
      put.run(payment, status, JSON.stringify(headers), body, Number(truncated))
    },
  }
}
