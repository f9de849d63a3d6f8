import type { Client, QueryResult } from 'pg'

/**
 * A statement that is prepared once on each connection, under its name. Names never change their
 * text: a connection that knows a name does not parse it again.
 */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** One row as `pg` reads it: integers of 64 bits come as text. */
export type Row = Readonly<Record<string, unknown>>

/** Sends a prepared statement; on a pipelined connection without waiting for the ones before it. */
export async function execute(
  client: Client,
  statement: Statement,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const result: QueryResult<Row> = await client.query({ ...statement, values: [...values] })
  return result.rows
}

/**
 * Sends queries in one write, waits for all of them, and throws what failed first: what failed after
 * it in the same transaction only says that it had failed.
 */
export async function pipelined<const Sent extends readonly Promise<unknown>[]>(
  client: Client,
  send: () => Sent,
): Promise<{ -readonly [index in keyof Sent]: Awaited<Sent[index]> }> {
  const settled = await Promise.allSettled(corked(client, send))
  for (const one of settled) if (one.status === 'rejected') throw one.reason
  const values = settled.map((one) => (one.status === 'fulfilled' ? one.value : undefined))
  return values as { -readonly [index in keyof Sent]: Awaited<Sent[index]> }
}

/** Otherwise each query is a system call, and often a packet, of its own. */
export function corked<Sent>(client: Client, send: () => Sent): Sent {
  const { stream } = client.connection
  stream.cork()
  try {
    return send()
  } finally {
    stream.uncork()
  }
}
