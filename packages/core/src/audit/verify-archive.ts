import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { AuditEvent } from '../ledger/audit-event.ts'
import type { AuditHead } from '../ledger/audit-record.ts'
import { recordLinkHash } from '../ledger/audit-record.ts'
import { type ArchiveTotals, addFamilyRecord, findArchivedSession } from './archive-family.ts'
import { ARCHIVE_VERSION, type ArchivedSession } from './archive-file.ts'

/** The verified contents of an archive file, or the first line that is wrong. */
export type ArchiveVerification =
  | {
      readonly ok: true
      readonly archives: readonly ArchivedSession[]
      /** The last record in the file. The trail keeps that record for ever. */
      readonly head: AuditHead
      /** SHA-256 of the whole file, as in the trail's record `session-archived`. */
      readonly fileSha256: string
    }
  | { readonly ok: false; readonly line: number; readonly reason: string }

const sha256Field = z.string().regex(/^[0-9a-f]{64}$/)
const seqField = z.number().int().min(0)
const headField = z.object({ seq: seqField, hash: sha256Field })

const lineInput = z.union([
  z.object({
    kind: z.literal('bursar-archive'),
    version: z.literal(ARCHIVE_VERSION),
    sessions: z.array(z.string()),
  }),
  z.object({
    kind: z.literal('session'),
    row: z.object({ id: z.string(), parent: z.string().optional() }),
  }),
  z.object({ kind: z.enum(['payment', 'approval']), row: z.object({ session: z.string() }) }),
  z.object({ kind: z.literal('chain'), previous: headField }),
  z.object({
    kind: z.literal('end'),
    head: headField,
    archives: z.array(
      z.object({
        session: z.string(),
        records: z.number(),
        payments: z.number(),
        settledMicro: z.string(),
        recordsSha256: sha256Field,
      }),
    ),
  }),
  z.object({ seq: seqField, at: z.number().int(), body: z.string(), hash: sha256Field }),
  z.object({ seq: seqField, at: z.number().int(), sha256: sha256Field, hash: sha256Field }),
])

type Line = z.output<typeof lineInput>

interface ArchiveReading {
  /** The id of each session's root session, by the session's id. */
  readonly roots: Map<string, string>
  readonly totals: Map<string, ArchiveTotals>
  last: AuditHead | undefined
  end: Extract<Line, { kind: 'end' }> | undefined
}

/**
 * Checks an archive file without a ledger: every record, every link between records, their sessions and the
 * totals. Pass a `head` that you kept elsewhere to check as well that the file belongs to that trail, if the
 * file reaches that record.
 *
 * A file can be consistent and still be another one than was archived. `auditing.verifyArchive` compares the
 * file's hash with the trail's record `session-archived`.
 *
 * @example
 * ```ts
 * const lines = ['{"kind":"bursar-archive","version":1,"sessions":[]}']
 * const verified = await verifyArchive(lines)
 * if (!verified.ok) console.error(`line ${verified.line}: ${verified.reason}`)
 * ```
 */
export async function verifyArchive(
  lines: AsyncIterable<string> | Iterable<string>,
  head?: AuditHead,
): Promise<ArchiveVerification> {
  const sum = createHash('sha256')
  const reading: ArchiveReading = {
    roots: new Map(),
    totals: new Map(),
    last: undefined,
    end: undefined,
  }
  let count = 0
  for await (const given of lines) {
    count += 1
    const text = given.replace(/\n$/, '')
    sum.update(`${text}\n`)
    const reason = findArchiveLineFault(reading, text, count, head)
    if (reason !== undefined) return { ok: false, line: count, reason }
  }
  const { end } = reading
  if (!end) return { ok: false, line: count, reason: 'the archive ends before its last line' }
  return { ok: true, archives: end.archives, head: end.head, fileSha256: sum.digest('hex') }
}

function findArchiveLineFault(
  reading: ArchiveReading,
  text: string,
  number: number,
  head: AuditHead | undefined,
): string | undefined {
  const line = parseArchiveLine(text)
  if (!line) return 'it is no line of an archive'
  if (reading.end) return 'it comes after the end'
  if (!('kind' in line)) return findArchiveRecordFault(reading, line, head)
  if ((line.kind === 'bursar-archive') !== (number === 1)) return 'an archive begins with its kind'
  switch (line.kind) {
    case 'bursar-archive':
      for (const id of line.sessions) reading.roots.set(id, id)
      return undefined
    case 'session': {
      const { id, parent } = line.row
      const root = reading.roots.get(parent ?? id)
      if (root === undefined) return `${id} does not belong to the sessions of the archive`
      reading.roots.set(id, root)
      return undefined
    }
    case 'payment':
    case 'approval':
      return reading.roots.has(line.row.session) ? undefined : 'it is of another session'
    case 'chain':
      reading.last = line.previous
      return undefined
    case 'end':
      reading.end = line
      return findArchiveEndFault(reading, line)
    default:
      return line satisfies never
  }
}

function parseArchiveLine(text: string): Line | undefined {
  try {
    const parsed = lineInput.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

function findArchiveRecordFault(
  reading: ArchiveReading,
  line: Exclude<Line, { kind: string }>,
  head: AuditHead | undefined,
): string | undefined {
  const { last } = reading
  const { seq, at, hash } = line
  if (!last) return 'a record comes before the chain begins'
  if (seq !== last.seq + 1) return `record ${last.seq + 1} should stand in its place`
  const content = 'body' in line ? { body: line.body } : { sha256: line.sha256 }
  if (recordLinkHash(last.hash, seq, at, content) !== hash) {
    return `record ${seq}: its contents and its place do not give its hash`
  }
  if (head?.seq === seq && head.hash !== hash) {
    return `record ${seq}: it is not the record that was kept as head`
  }
  reading.last = { seq, hash }
  return 'body' in line ? addArchiveRecord(reading, line) : undefined
}

function addArchiveRecord(
  { roots, totals }: ArchiveReading,
  line: { readonly seq: number; readonly body: string; readonly hash: string },
): string | undefined {
  const event = JSON.parse(line.body) as AuditEvent
  const root = roots.get(findArchivedSession(event) ?? '')
  if (root === undefined) return `record ${line.seq} is of none of the sessions of the archive`
  totals.set(root, addFamilyRecord(totals.get(root), line, event))
  return undefined
}

function findArchiveEndFault(
  { totals, last }: ArchiveReading,
  { head, archives }: Extract<Line, { kind: 'end' }>,
): string | undefined {
  if (last?.seq !== head.seq || last.hash !== head.hash) return 'its last record is another one'
  if (archives.length !== totals.size) return 'a session has no records'
  const wrong = archives.find((one) => {
    const found = totals.get(one.session)
    return (
      found?.records !== one.records ||
      found.payments !== one.payments ||
      `${found.settledMicro}` !== one.settledMicro ||
      found.recordsSha256 !== one.recordsSha256
    )
  })
  return wrong && `the records of ${wrong.session} are not those that were archived`
}
