import type { Database, Statement } from '../../packages/stores/sqlite/src/database/database.ts'

/** A database that counts its durable transactions. */
export interface CountedDatabase extends Database {
  /** The number of committed transactions that wrote. */
  durableCommits(): number
}

/**
 * Opens the database with a write-ahead log and `synchronous = FULL`, so that each counted
 * transaction is one durable write.
 */
export function countedDatabase(database: Database): CountedDatabase {
  let isWriting = false
  let commits = 0
  const noted = (sql: string, statement: Statement): Statement => {
    const isWrite = sql === 'BEGIN IMMEDIATE'
    if (!isWrite && sql !== 'COMMIT') return statement
    return {
      ...statement,
      run(...values) {
        statement.run(...values)
        if (!isWrite && isWriting) commits += 1
        isWriting = isWrite
      },
    }
  }
  const known = new Map<string, Statement>()
  return {
    ...database,
    statement(sql) {
      const statement = known.get(sql) ?? noted(sql, database.statement(sql))
      known.set(sql, statement)
      return statement
    },
    durableCommits: () => commits,
  }
}
