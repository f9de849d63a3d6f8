import type { Content, Denial, KeyRecord, RegisteredInstrument } from '@bursar/core'
import type { Database, Row } from './database.ts'

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
  const load = database.statement(`SELECT k.*, p.id AS payment_id FROM keys k
    LEFT JOIN payments p ON p.pk = k.payment WHERE k.session = ? AND k.key = ?`)
  const write = database.statement(`INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET request_hash = excluded.request_hash, payment = excluded.payment,
      refusals = excluded.refusals, last_refusal = excluded.last_refusal`)
  return {
    keyRecord(session, key) {
      const row = load.get(session, key)
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
