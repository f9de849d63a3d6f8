import type { AuditEvent, AuditRecord } from '@bursar/core'
import { auditRecord } from '@bursar/core/store'
import type { Database, Row } from '../database/database.ts'

/** The records of one insert: a statement for each costs about as much as writing the record. */
const RECORDS_PER_INSERT = 8

/** The chain of audit records. */
export interface AuditTable {
  /** Returns the time of the newest record, in milliseconds since the epoch, or 0 if there is none. */
  lastAt(): number
  /** Makes the next record of the chain, and keeps it until `flush`. */
  append(at: number, event: AuditEvent): void
  /** Writes the records that were appended. */
  flush(): void
  /** Lists the records behind a position, each with its position as the key of a page. */
  list(
    after: bigint,
    limit: number,
  ): readonly { readonly pk: bigint; readonly value: AuditRecord }[]
  /** Forgets the newest record, after another connection has written or the transaction was undone. */
  clear(): void
}

/** Returns the table of audit records. */
export function auditTable(database: Database): AuditTable {
  const newest = database.statement('SELECT * FROM audit ORDER BY seq DESC LIMIT 1')
  const insert = database.statement('INSERT INTO audit VALUES (?, ?, ?, ?)')
  const places = Array.from({ length: RECORDS_PER_INSERT }, () => '(?, ?, ?, ?)').join(', ')
  const insertSeveral = database.statement(`INSERT INTO audit VALUES ${places}`)
  const page = database.statement('SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?')
  let isLoaded = false
  let last: AuditRecord | undefined
  let appended: AuditRecord[] = []
  const loadLast = (): AuditRecord | undefined => {
    if (isLoaded) return last
    const row = newest.get()
    last = row && parseAuditRecord(row)
    isLoaded = true
    return last
  }
  return {
    lastAt: () => loadLast()?.at ?? 0,
    append(at, event) {
      last = auditRecord(loadLast(), at, event)
      appended.push(last)
    },
    flush() {
      const records = appended
      appended = []
      let start = 0
      for (; start + RECORDS_PER_INSERT <= records.length; start += RECORDS_PER_INSERT) {
        const several = records.slice(start, start + RECORDS_PER_INSERT)
        insertSeveral.run(...several.flatMap(auditRecordColumns))
      }
      for (const record of records.slice(start)) insert.run(...auditRecordColumns(record))
    },
    list: (after, limit) =>
      page
        .all(after, limit)
        .map((row) => ({ pk: row.seq as bigint, value: parseAuditRecord(row) })),
    clear() {
      isLoaded = false
      last = undefined
      appended = []
    },
  }
}

function auditRecordColumns({
  seq,
  at,
  body,
  hash,
}: AuditRecord): [number, number, string, string] {
  return [seq, at, body, hash]
}

function parseAuditRecord(row: Row): AuditRecord {
  return {
    seq: Number(row.seq),
    at: Number(row.at),
    body: row.body as string,
    hash: row.hash as string,
  }
}
