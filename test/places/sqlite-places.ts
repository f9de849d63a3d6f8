import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StorePlaces } from './store-place.ts'

/** The files of a SQLite database: the database itself and its write-ahead log. */
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
    // A killed process leaves only what it had given to the operating system.
    left: async () => {},
    async remove(place) {
      for (const ending of endings) rmSync(place + ending, { force: true })
    },
    stop: async () => rmSync(folder, { recursive: true }),
  }
}
