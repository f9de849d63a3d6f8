import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

/** One row as it is read: integers are always bigints, so that no amount is ever rounded. */
export type Row = Readonly<Record<string, unknown>>

/** A prepared statement. */
export interface Statement {
  get(...values: SQLInputValue[]): Row | undefined
  all(...values: SQLInputValue[]): readonly Row[]
  run(...values: SQLInputValue[]): void
  /** The key of the row that was inserted; `undefined` where `DO NOTHING` found it there. */
  insert(...values: SQLInputValue[]): bigint | undefined
}

/** The connection, with each statement prepared once. */
export interface Database {
  statement(sql: string): Statement
  exec(sql: string): void
  close(): void
}

export function wrapDatabase(connection: DatabaseSync): Database {
  const prepared = new Map<string, Statement>()
  return {
    statement(sql) {
      const known = prepared.get(sql)
      if (known) return known
      const statement = wrapStatement(connection.prepare(sql))
      prepared.set(sql, statement)
      return statement
    },
    exec: (sql) => connection.exec(sql),
    close: () => connection.close(),
  }
}

function wrapStatement(statement: StatementSync): Statement {
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

/** Undoes the open transaction. Some errors have undone it already, and then there is none. */
export function rollBack(database: Database): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // Whatever is wrong with the connection shows at the next statement.
  }
}
