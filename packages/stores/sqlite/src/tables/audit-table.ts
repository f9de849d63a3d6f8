import { type AuditEvent, type AuditRecord, auditRecord } from '@bursar/core'
import type { Database, Row } from '../database/database.ts'

/** Records that one statement writes: a statement each costs about as much as writing the record. */
const ROWS = 8

/** The chain of audit records. */
export interface AuditTable {
  /** When the newest record was written; 0 for an empty trail. */
  lastAt(): number
  /** Makes the next record of the chain, and keeps it until `flush`. */
  append(at: number, event: AuditEvent): void
  flush(): void
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
  const several = Array.from({ length: ROWS }, () => '(?, ?, ?, ?)').join(', ')
  const insertSeveral = database.statement(`INSERT INTO audit VALUES ${several}`)
  const page = database.statement('SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?')
  let known = false
  let last: AuditRecord | undefined
  let waiting: AuditRecord[] = []
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
      last = auditRecord(read(), at, event)
      waiting.push(last)
    },
    flush() {
      const records = waiting
      waiting = []
      let start = 0
      for (; start + ROWS <= records.length; start += ROWS) {
        insertSeveral.run(...records.slice(start, start + ROWS).flatMap(columnsOf))
      }
      for (const record of records.slice(start)) insert.run(...columnsOf(record))
    },
    after: (seq, limit) =>
      page.all(seq, limit).map((row) => ({ pk: row.seq as bigint, record: recordOf(row) })),
    clear() {
      known = false
      last = undefined
      waiting = []
    },
  }
}

function columnsOf({ seq, at, body, hash }: AuditRecord): [number, number, string, string] {
  return [seq, at, body, hash]
}

function recordOf(row: Row): AuditRecord {
  return {
    seq: Number(row.seq),
    at: Number(row.at),
    body: row.body as string,
    hash: row.hash as string,
  }
}
