import type { Denial, KeyRecord } from '@bursar/core'
import type { Database, Row } from '../database/database.ts'
import { hashHead } from './hash-head.ts'

/** The record of an idempotency key without the session, which the caller knows. */
export type KeyOfSession = Omit<KeyRecord, 'session'>

/** The table of the idempotency keys that are not kept with their own payment. */
export interface KeyTable {
  find(session: bigint, key: string): KeyOfSession | undefined
  put(session: bigint, payment: bigint | undefined, record: KeyRecord): void
}

/** Returns the table of idempotency keys. */
export function keyTable(database: Database): KeyTable {
  // A payment that holds its key comes first: refusals from before it was paid no longer count.
  const find = database.statement(`SELECT t.key, t.request_hash, 0 AS refusals,
      NULL AS last_refusal, p.id AS payment_id
    FROM payments p JOIN payment_terms t ON t.payment = p.pk
    WHERE p.session = ?1 AND p.key_head = ?3 AND t.key = ?2
    UNION ALL SELECT k.key, k.request_hash, k.refusals, k.last_refusal, p.id
    FROM keys k LEFT JOIN payments p ON p.pk = k.payment WHERE k.session = ?1 AND k.key = ?2`)
  const put = database.statement(`INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET request_hash = excluded.request_hash, payment = excluded.payment,
      refusals = excluded.refusals, last_refusal = excluded.last_refusal`)
  return {
    find(session, key) {
      const row = find.get(session, key, hashHead(key))
      return row && parseKey(row)
    },
    put(session, payment, { key, requestHash, refusals, lastRefusal }) {
      const refusal = lastRefusal === undefined ? null : JSON.stringify(lastRefusal)
      put.run(session, key, requestHash, payment ?? null, refusals, refusal)
    },
  }
}

function parseKey(row: Row): KeyOfSession {
  const { payment_id: payment, last_refusal: refusal } = row
  return {
    key: row.key as string,
    requestHash: row.request_hash as string,
    ...(payment === null ? {} : { payment: payment as string }),
    refusals: Number(row.refusals),
    ...(refusal === null ? {} : { lastRefusal: JSON.parse(refusal as string) as Denial }),
  }
}
