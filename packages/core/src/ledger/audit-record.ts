import { hash } from 'node:crypto'
import type { AuditEvent } from './audit-event.ts'

/** One record of the audit trail. Each record's hash covers the hash of the record before it. */
export interface AuditRecord {
  /** The number of the record: 1 for the first one, without a gap. */
  readonly seq: number
  /** The time by the store's clock in milliseconds since the epoch. It never runs back. */
  readonly at: number
  /** The event as JSON, exactly as it was hashed. An archived record has a `record-archived` instead. */
  readonly body: string
  /** The SHA-256 of the previous record's hash, `seq`, `at` and the SHA-256 of the body, as hex. */
  readonly hash: string
}

/** The hash that the first record follows. */
export const GENESIS_HASH: string = '0'.repeat(64)

/**
 * Makes the record of an event that follows `previous`, which is undefined in an empty trail. Every store
 * calls this for the events of its commits.
 *
 * @example
 * ```ts
 * import type { AuditEvent } from '@bursar/core'
 *
 * const event: AuditEvent = { type: 'instrument-registered', instrument: 'wallet', endUser: 'alice' }
 * const first = auditRecord(undefined, Date.now(), event)
 * const second = auditRecord(first, Date.now(), event) // second.seq is 2
 * ```
 */
export function auditRecord(
  previous: Pick<AuditRecord, 'seq' | 'hash'> | undefined,
  at: number,
  event: AuditEvent,
): AuditRecord {
  const seq = (previous?.seq ?? 0) + 1
  const body = JSON.stringify(event)
  return { seq, at, body, hash: recordHash(previous?.hash ?? GENESIS_HASH, seq, at, body) }
}

/**
 * Computes the hash of a record from its contents and the previous record's hash.
 *
 * @example
 * ```ts
 * const { rows } = await store.audit({ limit: 1 })
 * for (const { seq, at, body, hash } of rows) {
 *   if (recordHash(GENESIS_HASH, seq, at, body) !== hash) throw new Error('The trail was changed.')
 * }
 * ```
 */
export function recordHash(previousHash: string, seq: number, at: number, body: string): string {
  return recordLinkHash(previousHash, seq, at, { sha256: recordBodyHash(body) })
}

/** Computes the hash of a record from its body, or from the SHA-256 of its body. */
export function recordLinkHash(
  previousHash: string,
  seq: number,
  at: number,
  content: { readonly body: string } | { readonly sha256: string },
): string {
  const sha256 = 'body' in content ? hash('sha256', content.body, 'hex') : content.sha256
  return hash('sha256', `${previousHash}\n${seq}\n${at}\n${sha256}`, 'hex')
}

/** The beginning of an archived record's body. No stored event begins with it. */
const ARCHIVED_PREFIX = '{"type":"record-archived",'

const archivedPattern =
  /^{"type":"record-archived","session":"([^"\\]+)","archive":"([^"\\]+)","sha256":"([0-9a-f]{64})"}$/

/**
 * The rest of a record whose body is in an archive. With the hash of the body every record can still be
 * verified.
 */
export interface ArchivedBody {
  readonly session: string
  /** The session whose archive holds the body: `session`, or its topmost session. */
  readonly archive: string
  readonly sha256: string
}

/**
 * Returns the body that replaces the body of an archived record.
 *
 * @example
 * ```ts
 * const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
 * const body = archivedBody({ session: 'ses_1', archive: 'ses_1', sha256 })
 * ```
 */
export function archivedBody({ session, archive, sha256 }: ArchivedBody): string {
  return JSON.stringify({ type: 'record-archived', session, archive, sha256 })
}

/** Reads the body of an archived record. Returns undefined if the body is an event. */
export function readArchivedRecordBody(body: string): ArchivedBody | undefined {
  if (!body.startsWith(ARCHIVED_PREFIX)) return undefined
  const [, session, archive, sha256] = archivedPattern.exec(body) ?? []
  return session && archive && sha256 ? { session, archive, sha256 } : undefined
}

/** Returns the SHA-256 of a record's original body, also if that is archived. */
export function recordBodyHash(body: string): string {
  return readArchivedRecordBody(body)?.sha256 ?? hash('sha256', body, 'hex')
}

/** Adds one record to the hash over the records of an archive, which begins with `''`. */
export function recordArchiveHash(previous: string, { seq, hash: own }: AuditHash): string {
  return hash('sha256', `${previous}\n${seq}\n${own}`, 'hex')
}

type AuditHash = Pick<AuditRecord, 'seq' | 'hash'>

/** The number and hash of the newest record. Kept outside the store, they reveal records cut off the end. */
export interface AuditHead {
  readonly seq: number
  readonly hash: string
}
