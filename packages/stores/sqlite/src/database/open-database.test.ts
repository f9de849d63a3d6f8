import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { BursarError } from '@bursar/core'
import { afterAll, expect, test } from 'vitest'
import { type SqliteStoreOptions, sqliteStore } from '../sqlite-store.ts'
import { SCHEMA_VERSION } from './schema.ts'

const directory = mkdtempSync(join(tmpdir(), 'bursar-open-'))

afterAll(() => rmSync(directory, { recursive: true }))

const opener = fileURLToPath(new URL('../test-process/opener.ts', import.meta.url))

/** Returns the error of opening, without the test's directory in its message. */
function errorOf(options: SqliteStoreOptions): string {
  try {
    sqliteStore(options)
  } catch (error) {
    if (BursarError.isInstance(error)) return shorten(`${error.code}: ${error.message}`)
    throw error
  }
  return 'opened'
}

/** Returns the error of opening as a user without rights. */
function errorOfNobody(path: string): string {
  return shorten(spawnSync(process.execPath, [opener, path], { encoding: 'utf8' }).stdout)
}

function shorten(text: string): string {
  return text.replaceAll(directory, '<dir>')
}

async function newStore(name: string): Promise<string> {
  const path = join(directory, name)
  await sqliteStore({ path }).close()
  return path
}

test('a missing directory is refused', () => {
  expect(errorOf({ path: join(directory, 'missing', 'bursar.db') })).toMatchInlineSnapshot(
    `"store_unavailable: The store <dir>/missing/bursar.db cannot be opened: the directory <dir>/missing does not exist."`,
  )
})

test('a directory instead of a file is refused', () => {
  expect(errorOf({ path: directory })).toMatchInlineSnapshot(
    `"store_unavailable: The store <dir> cannot be opened: it is a directory."`,
  )
})

test('a file that is not a database is refused, and stays as it is', () => {
  const path = join(directory, 'text.db')
  const text = 'These are the minutes of the meeting, and not a database at all.'.repeat(20)
  writeFileSync(path, text)
  expect(errorOf({ path })).toMatchInlineSnapshot(
    `"store_unavailable: <dir>/text.db is not a SQLite database."`,
  )
  expect(readFileSync(path, 'utf8')).toBe(text)
})

test("another application's database is refused, and stays as it is", () => {
  const path = join(directory, 'other.db')
  const other = new DatabaseSync(path)
  other.exec('CREATE TABLE photos (name TEXT)')
  other.close()
  const before = readFileSync(path)
  expect(errorOf({ path })).toMatchInlineSnapshot(
    `"store_unavailable: <dir>/other.db is another application's database."`,
  )
  expect(readFileSync(path).equals(before)).toBe(true)
})

test('a newer schema is refused', async () => {
  const path = await newStore('newer.db')
  const newer = new DatabaseSync(path)
  newer.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
  newer.close()
  expect(errorOf({ path })).toMatchInlineSnapshot(
    `"store_schema_newer: The store <dir>/newer.db has schema version 4; this version of @bursar/store-sqlite knows 3. Update the package."`,
  )
})

test('a file that another connection has locked is refused', async () => {
  const path = await newStore('locked.db')
  const other = new DatabaseSync(path)
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE')
  expect(errorOf({ path })).toMatchInlineSnapshot(
    `"store_locked: The store <dir>/locked.db is locked by another connection. Close it, and try again."`,
  )
  other.close()
  expect(errorOf({ path })).toBe('opened')
})

test('a file that can only be read is refused', async () => {
  const path = await newStore('read-only.db')
  chmodSync(directory, 0o777)
  chmodSync(path, 0o444)
  expect(errorOfNobody(path)).toMatchInlineSnapshot(
    `"store_readonly: The store <dir>/read-only.db is read-only. It has to be writable, and so has its directory."`,
  )
})

test('a file that cannot be read is refused', async () => {
  const path = await newStore('secret.db')
  chmodSync(directory, 0o777)
  chmodSync(path, 0o000)
  expect(errorOfNobody(path)).toMatchInlineSnapshot(
    `"store_unavailable: The store <dir>/secret.db cannot be opened: this process may not read and write it, or may not create files in <dir>."`,
  )
})

test('a directory without the right to create a file is refused', () => {
  const closed = join(directory, 'closed')
  mkdirSync(closed, { mode: 0o555 })
  chmodSync(directory, 0o777)
  expect(errorOfNobody(join(closed, 'bursar.db'))).toMatchInlineSnapshot(
    `"store_unavailable: The store <dir>/closed/bursar.db cannot be opened: this process may not read and write it, or may not create files in <dir>/closed."`,
  )
})

test('a bad option is refused with its name', () => {
  expect([
    errorOf({ path: '' }),
    errorOf({ path: 'a\0b' }),
    errorOf({ path: 7 } as never),
    errorOf({ path: ':memory:', clock: 7 } as never),
  ]).toMatchInlineSnapshot(`
    [
      "invalid_input: sqliteStore: path: must be the path of a file.",
      "invalid_input: sqliteStore: path: must be the path of a file.",
      "invalid_input: sqliteStore: path: must be the path of a file.",
      "invalid_input: sqliteStore: clock: must be a function.",
    ]
  `)
})

test('a path that looks like a URI is used as a path', () => {
  chmodSync(directory, 0o777)
  const name = 'file:x?mode=memory'
  const options = { cwd: directory, encoding: 'utf8' } as const
  expect(spawnSync(process.execPath, [opener, name], options).stdout).toBe('opened')
  expect(existsSync(join(directory, name))).toBe(true)
})
