import { createHash } from 'node:crypto'
import { expect, expectTypeOf, test } from 'vitest'
import type { AuditEvent, AuditEventType } from './audit-event.ts'
import {
  archivedBody,
  auditRecord,
  GENESIS_HASH,
  readArchivedRecordBody,
  recordBodyHash,
  recordHash,
} from './audit-record.ts'

const AT = Date.UTC(2030, 0, 1)
const event: AuditEvent = {
  type: 'session-revoked',
  session: 'ses_1',
  delegation: 'del_1',
  reason: 'line\nend, "quote", \ud800 and 🌦',
}

test('the first record is chained to nothing, the next one to it', () => {
  const first = auditRecord(undefined, AT, event)
  expect(first).toEqual({
    seq: 1,
    at: AT,
    body: JSON.stringify(event),
    hash: recordHash(GENESIS_HASH, 1, AT, JSON.stringify(event)),
  })
  const second = auditRecord(first, AT + 1, event)
  expect(second).toMatchObject({
    seq: 2,
    hash: recordHash(first.hash, 2, AT + 1, second.body),
  })
  expect(GENESIS_HASH).toBe('0'.repeat(64))
})

test('a hash can be computed by anyone: SHA-256 over four lines, the last a SHA-256', () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const expected = sha256(`${GENESIS_HASH}\n1\n${AT}\n${sha256('{"type":"x"}')}`)
  expect(recordHash(GENESIS_HASH, 1, AT, '{"type":"x"}')).toBe(expected)
})

test('a hash is another one with any other part, however the parts are cut', () => {
  const hashes = [
    recordHash(GENESIS_HASH, 1, 23, 'b'),
    recordHash(GENESIS_HASH, 12, 3, 'b'),
    recordHash(GENESIS_HASH, 1, 24, 'b'),
    recordHash(GENESIS_HASH, 2, 23, 'b'),
    recordHash(GENESIS_HASH, 1, 23, 'c'),
    recordHash('1'.repeat(64), 1, 23, 'b'),
  ]
  expect(new Set(hashes).size).toBe(hashes.length)
})

test('an archived body gives the same hash, and nothing but an archived body is one', () => {
  const { body, hash } = auditRecord(undefined, AT, event)
  const left = { session: 'ses_2', archive: 'ses_1', sha256: recordBodyHash(body) }
  const archived = archivedBody(left)
  expect(readArchivedRecordBody(archived)).toEqual(left)
  expect(recordHash(GENESIS_HASH, 1, AT, archived)).toBe(hash)
  for (const other of [
    body,
    `${archived} `,
    archived.replace('ses_1', ''),
    archived.slice(0, -3),
  ]) {
    expect(readArchivedRecordBody(other)).toBe(undefined)
    expect(recordHash(GENESIS_HASH, 1, AT, other) === hash).toBe(other === body)
  }
})

test('a body has one line, is well formed, and is read back to the same event', () => {
  const { body } = auditRecord(undefined, AT, event)
  expect(body).not.toContain('\n')
  expect(body.isWellFormed()).toBe(true)
  expect(JSON.parse(body)).toEqual(event)
})

test('events are noun and verb in the past, and hold nothing that JSON loses', () => {
  expectTypeOf<AuditEventType>().toExtend<`${string}-${string}ed` | 'payment-${string}'>()
  expectTypeOf<Extract<Leaf<AuditEvent>, bigint | symbol | Date>>().toEqualTypeOf<never>()
})

/** Every value that can stand anywhere in it. */
type Leaf<Value> = Value extends string | number | bigint | boolean | symbol | Date | undefined
  ? Value
  : Value extends readonly (infer Item)[]
    ? Leaf<Item>
    : { [Field in keyof Value]: Leaf<Value[Field]> }[keyof Value]
