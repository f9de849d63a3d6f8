import { DatabaseSync } from 'node:sqlite'

/** The text in each row of the yardstick, as long as a short record. */
const text = 'x'.repeat(100)

/** A SQLite database that commits one row at a time: the least that can be made durable. */
export interface OneRowCommit {
  /** Measures sequential commits per second. */
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
