import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { sqliteStore } from './sqlite-store.ts'

const directory = mkdtempSync(join(tmpdir(), 'bursar-processes-'))

afterAll(() => rmSync(directory, { recursive: true }))

const script = fileURLToPath(new URL('../test/store-script.ts', import.meta.url))

test('several processes can create one file at once', async () => {
  const path = join(directory, 'new.db')
  const children = ['one', 'two', 'three'].map(() => fork(script, [path]))
  await Promise.all(children.map((child) => once(child, 'exit')))
  expect(children.map((child) => child.exitCode)).toEqual([0, 0, 0])
  const store = sqliteStore({ path })
  expect(await store.audit({})).toEqual({ rows: [] })
  await store.close()
})
