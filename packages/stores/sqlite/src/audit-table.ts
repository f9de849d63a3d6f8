import { type AuditEvent, type AuditRecord, auditRecord } from '@bursar/core'
import type { Database, Row } from './database.ts'

/** The chain of audit records. */
export interface AuditTable {
  /** When the newest record was written; 0 for an empty trail. */
  lastAt(): number
  append(at: number, event: AuditEvent): void
  after(
    seq: bigint,
    limit: number,
  ): readonly { readonly pk: bigint; readonly record: AuditRecord }[]
  /** Forgets the newest record: another connection has written, or the transaction was undone. */
  clear(): void
}

export function auditTable(database: Database): AuditTable {
  const newest = database.statement('SELECT * FROM audit ORDER BY seq DESC LIMIT 1')
  const insert = database.statement('INSERT INTO audit VALUES (?, ?, ?, ?)')
  const page = database.statement('SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?')
  let known = false
  let last: AuditRecord | undefined
  const read = (): AuditRecord | undefined => {
    if (known) return last
    const row = newest.get()
    last = row && recordOf(row)
    known = true
    return last
  }
  return {
    lastAt: () => read()?.at ?? 0,
    append(at, event) {
      const record = auditRecord(read(), at, event)
      insert.run(record.seq, record.at, record.body, record.hash)
      last = record
    },
    after: (seq, limit) =>
      page.all(seq, limit).map((row) => ({ pk: row.seq as bigint, record: recordOf(row) })),
    clear() {
      known = false
      last = undefined
    },
  }
}

function recordOf(row: Row): AuditRecord {
  return {
    seq: Number(row.seq),
    at: Number(row.at),
    body: row.body as string,
    hash: row.hash as string,
  }
}
