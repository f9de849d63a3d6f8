import { hash } from 'node:crypto'
import type { AuditEvent } from './audit-event.ts'

/** One link of the audit chain. */
export interface AuditRecord {
  /** 1 for the first record, and without a gap. */
  readonly seq: number
  /** Milliseconds since the epoch, by the store's clock; never runs back. */
  readonly at: number
  /** The event as JSON, exactly as it was hashed; of an archived record, a `record-archived`. */
  readonly body: string
  /** SHA-256 over the previous record's hash, seq, at and the SHA-256 of the body; hex. */
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
  return linkHash(previousHash, seq, at, { sha256: bodyHash(body) })
}

/** The same, by a body that is there or by its hash. */
export function linkHash(
  previousHash: string,
  seq: number,
  at: number,
  content: { readonly body: string } | { readonly sha256: string },
): string {
  const sha256 = 'body' in content ? hash('sha256', content.body, 'hex') : content.sha256
  return hash('sha256', `${previousHash}\n${seq}\n${at}\n${sha256}`, 'hex')
}

/** What the body of an archived record begins with; no event that is written begins so. */
const ARCHIVED_PREFIX = '{"type":"record-archived",'

const archivedPattern =
  /^{"type":"record-archived","session":"([^"\\]+)","archive":"([^"\\]+)","sha256":"([0-9a-f]{64})"}$/

/**
 * What stays of a record whose body is in an archive: the hash of the body, so that the chain can
 * still be checked, link by link, and whose record it was.
 */
export interface ArchivedBody {
  readonly session: string
  /** The session that was archived: this one, or the one above all others above it. */
  readonly archive: string
  readonly sha256: string
}

/** The body that takes the place of an archived one. */
export function archivedBody({ session, archive, sha256 }: ArchivedBody): string {
  return JSON.stringify({ type: 'record-archived', session, archive, sha256 })
}

/** Reads what stays of an archived body; `undefined` if the body is there. */
export function readArchivedBody(body: string): ArchivedBody | undefined {
  if (!body.startsWith(ARCHIVED_PREFIX)) return undefined
  const [, session, archive, sha256] = archivedPattern.exec(body) ?? []
  return session && archive && sha256 ? { session, archive, sha256 } : undefined
}

/** SHA-256 of a record's body, whether it is there or archived. */
export function bodyHash(body: string): string {
  return readArchivedBody(body)?.sha256 ?? hash('sha256', body, 'hex')
}

/** The hash over the records of an archive, one after the other: `''` before the first. */
export function archiveHash(previous: string, { seq, hash: own }: AuditHash): string {
  return hash('sha256', `${previous}\n${seq}\n${own}`, 'hex')
}

type AuditHash = Pick<AuditRecord, 'seq' | 'hash'>
/** The newest record, to be kept outside the store: only with it can a cut tail be seen. */
export interface AuditHead {
  readonly seq: number
  readonly hash: string
}
