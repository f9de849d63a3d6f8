import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StorePlaces } from './store-place.ts'

/** SQLite's files: the database, and what was not brought into it yet. */
const endings = ['', '-wal', '-shm']

export function sqlitePlaces(): StorePlaces {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-places-'))
  let made = 0
  const next = (): string => {
    made += 1
    return join(folder, `${made}.db`)
  }
  return {
    kind: 'sqlite',
    empty: async () => next(),
    async copyOf(place) {
      const copy = next()
      for (const ending of ['', '-wal']) {
        if (existsSync(place + ending)) copyFileSync(place + ending, copy + ending)
      }
      return copy
    },
    // What a killed process had not given to the system before, nobody does for it.
    left: async () => {},
    async remove(place) {
      for (const ending of endings) rmSync(place + ending, { force: true })
    },
    stop: async () => rmSync(folder, { recursive: true }),
  }
}
