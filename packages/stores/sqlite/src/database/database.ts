import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

/** A row as it is read: every integer is a bigint, so that no amount is rounded. */
export type Row = Readonly<Record<string, unknown>>

/** A prepared statement. */
export interface Statement {
  get(...values: SQLInputValue[]): Row | undefined
  all(...values: SQLInputValue[]): readonly Row[]
  run(...values: SQLInputValue[]): void
  /** Returns the key of the inserted row, or undefined if `DO NOTHING` found the row there. */
  insert(...values: SQLInputValue[]): bigint | undefined
}

/** A connection that prepares each statement once. */
export interface Database {
  statement(sql: string): Statement
  exec(sql: string): void
  close(): void
}

/** Returns the database of an open connection. */
export function wrapDatabase(connection: DatabaseSync): Database {
  const prepared = new Map<string, Statement>()
  return {
    statement(sql) {
      const known = prepared.get(sql)
      if (known) return known
      const statement = wrapDatabaseStatement(connection.prepare(sql))
      prepared.set(sql, statement)
      return statement
    },
    exec: (sql) => connection.exec(sql),
    close: () => connection.close(),
  }
}

function wrapDatabaseStatement(statement: StatementSync): Statement {
  statement.setReadBigInts(true)
  return {
    get: (...values) => statement.get(...values),
    all: (...values) => statement.all(...values),
    run: (...values) => void statement.run(...values),
    insert(...values) {
      const { changes, lastInsertRowid } = statement.run(...values)
      return changes === 0n ? undefined : BigInt(lastInsertRowid)
    },
  }
}

/** Undoes the open transaction, if the error that ended it has not undone it already. */
export function rollBackDatabase(database: Database): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // If the connection itself is broken, the next statement throws its error.
  }
}
