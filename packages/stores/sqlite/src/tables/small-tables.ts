import type { Content, Denial, KeyRecord, RegisteredInstrument } from '@bursar/core'
import type { Database, Row } from '../database/database.ts'
import { headOf } from './payment-table.ts'

/** The rows that are read by their own key, and too cheap to keep in memory. */
export interface SmallTables {
  instrument(handle: string): RegisteredInstrument | undefined
  putInstrument(value: RegisteredInstrument): void
  keyRecord(session: bigint, key: string): Omit<KeyRecord, 'session'> | undefined
  putKey(session: bigint, payment: bigint | undefined, value: KeyRecord): void
  content(payment: string): Content | undefined
  putContent(payment: bigint, value: Content): void
}

export function smallTables(database: Database): SmallTables {
  return {
    ...instruments(database),
    ...keys(database),
    ...contents(database),
  }
}

function instruments(database: Database): Pick<SmallTables, 'instrument' | 'putInstrument'> {
  const load = database.statement('SELECT * FROM instruments WHERE handle = ?')
  const write = database.statement('INSERT OR REPLACE INTO instruments VALUES (?, ?, ?)')
  return {
    instrument(handle) {
      const row = load.get(handle)
      return (
        row && {
          handle,
          endUser: row.end_user as string,
          registeredAt: Number(row.registered_at),
        }
      )
    },
    putInstrument({ handle, endUser, registeredAt }) {
      write.run(handle, endUser, registeredAt)
    },
  }
}

function keys(database: Database): Pick<SmallTables, 'keyRecord' | 'putKey'> {
  // A payment that a key is pinned to has it; what the key was refused before is past then.
  const load = database.statement(`SELECT t.key, t.request_hash, 0 AS refusals,
      NULL AS last_refusal, p.id AS payment_id
    FROM payments p JOIN payment_terms t ON t.payment = p.pk
    WHERE p.session = ?1 AND p.key_head = ?3 AND t.key = ?2
    UNION ALL SELECT k.key, k.request_hash, k.refusals, k.last_refusal, p.id
    FROM keys k LEFT JOIN payments p ON p.pk = k.payment WHERE k.session = ?1 AND k.key = ?2`)
  const write = database.statement(`INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET request_hash = excluded.request_hash, payment = excluded.payment,
      refusals = excluded.refusals, last_refusal = excluded.last_refusal`)
  return {
    keyRecord(session, key) {
      const row = load.get(session, key, headOf(key))
      return row && keyOf(row)
    },
    putKey(session, payment, { key, requestHash, refusals, lastRefusal }) {
      const refusal = lastRefusal === undefined ? null : JSON.stringify(lastRefusal)
      write.run(session, key, requestHash, payment ?? null, refusals, refusal)
    },
  }
}

function keyOf(row: Row): Omit<KeyRecord, 'session'> {
  const refusal = row.last_refusal === null ? undefined : (row.last_refusal as string)
  return {
    key: row.key as string,
    requestHash: row.request_hash as string,
    ...(row.payment_id === null ? {} : { payment: row.payment_id as string }),
    refusals: Number(row.refusals),
    ...(refusal === undefined ? {} : { lastRefusal: JSON.parse(refusal) as Denial }),
  }
}

function contents(database: Database): Pick<SmallTables, 'content' | 'putContent'> {
  const load = database.statement(`SELECT c.* FROM contents c
    JOIN payments p ON p.pk = c.payment WHERE p.id = ?`)
  const write = database.statement('INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?, ?)')
  return {
    content(payment) {
      const row = load.get(payment)
      return (
        row && {
          payment,
          status: Number(row.status),
          headers: JSON.parse(row.headers as string) as Content['headers'],
          body: row.body as Uint8Array,
          truncated: row.truncated === 1n,
        }
      )
    },
    putContent(payment, { status, headers, body, truncated }) {
      write.run(payment, status, JSON.stringify(headers), body, Number(truncated))
    },
  }
}
