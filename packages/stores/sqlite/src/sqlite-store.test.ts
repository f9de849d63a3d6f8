import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testStore } from '@bursar/core/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { sqliteStore } from './sqlite-store.ts'

const directory = mkdtempSync(join(tmpdir(), 'bursar-store-sqlite-'))

afterAll(() => rmSync(directory, { recursive: true }))

let files = 0

function newPath(): string {
  files += 1
  return join(directory, `${files}.db`)
}

testStore(
  'sqliteStore',
  async () => {
    const path = newPath()
    return { place: path, open: async (clock) => sqliteStore({ path, clock }) }
  },
  { describe, test, expect },
  fileURLToPath(new URL('../test/store-script.ts', import.meta.url)),
)
