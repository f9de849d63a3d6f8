import { DatabaseSync } from 'node:sqlite'

/** The text in each row of the yardstick, as long as a short record. */
const text = 'x'.repeat(100)

/** The least that can be made durable in SQLite: a row, inserted and committed. */
export interface OneRowCommit {
  /** Commits a second, one after the other. */
  rate(forMs: number): number
  close(): void
}

export function oneRowCommit(path: string): OneRowCommit {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec('CREATE TABLE entries (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT')
  const insert = database.prepare('INSERT INTO entries (text) VALUES (?)')
  return {
    rate(forMs) {
      const startedAt = performance.now()
      let commits = 0
      for (; performance.now() - startedAt < forMs; commits += 1) insert.run(text)
      return (commits * 1_000) / (performance.now() - startedAt)
    },
    close: () => database.close(),
  }
}
