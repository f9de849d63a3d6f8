import { hash } from 'node:crypto'
import type { AuditEvent } from './event.ts'

/** One link of the audit chain. */
export interface AuditRecord {
  /** 1 for the first record, and without a gap. */
  readonly seq: number
  /** Milliseconds since the epoch, by the store's clock; never runs back. */
  readonly at: number
  /** The event as JSON, exactly as it was hashed. */
  readonly body: string
  /** SHA-256 over the previous record's hash, seq, at and body; hex. */
  readonly hash: string
}

/** What the first record is chained to. */
export const GENESIS_HASH: string = '0'.repeat(64)

/** Makes the record that follows `previous`; `undefined` stands for an empty trail. */
export function auditRecord(
  previous: Pick<AuditRecord, 'seq' | 'hash'> | undefined,
  at: number,
  event: AuditEvent,
): AuditRecord {
  const seq = (previous?.seq ?? 0) + 1
  const body = JSON.stringify(event)
  return { seq, at, body, hash: recordHash(previous?.hash ?? GENESIS_HASH, seq, at, body) }
}

/** The hash that a record with these contents has to have. */
export function recordHash(previousHash: string, seq: number, at: number, body: string): string {
  return hash('sha256', `${previousHash}\n${seq}\n${at}\n${body}`, 'hex')
}
