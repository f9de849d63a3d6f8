import type { Client, QueryResult } from 'pg'

/**
 * A statement that is prepared once on each connection, under its name.
 *
 * A name always has the same text: a connection that knows the name does not parse the text again.
 */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** A statement with the values of its parameters. */
export interface Write {
  readonly statement: Statement
  readonly values: readonly unknown[]
}

/** A row as `pg` reads it: integers of 64 bits are text. */
export type Row = Readonly<Record<string, unknown>>

/** Sends a prepared statement. A pipelined connection sends it before earlier ones are answered. */
export async function executeStatement(
  client: Client,
  statement: Statement,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const result: QueryResult<Row> = await client.query({ ...statement, values: [...values] })
  return result.rows
}

/** The results of promises, in their order. */
export type Results<Sent extends readonly Promise<unknown>[]> = {
  -readonly [index in keyof Sent]: Awaited<Sent[index]>
}

/**
 * Sends queries at once, and waits for all of them. Throws the error of the first query that failed:
 * the later ones of its transaction only say that it had failed.
 */
export async function runStatementPipeline<const Sent extends readonly Promise<unknown>[]>(
  client: Client,
  send: () => Sent,
): Promise<Results<Sent>> {
  const settled = await Promise.allSettled(sendStatementsAtOnce(client, send))
  for (const result of settled) if (result.status === 'rejected') throw result.reason
  const values = settled.map((result) => (result.status === 'fulfilled' ? result.value : undefined))
  return values as Results<Sent>
}

/** Sends queries in one write to the network: each would be a system call, and a packet, of its own. */
export function sendStatementsAtOnce<Sent>(client: Client, send: () => Sent): Sent {
  const { stream } = client.connection
  stream.cork()
  try {
    return send()
  } finally {
    stream.uncork()
  }
}
