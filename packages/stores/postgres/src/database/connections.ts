import { setTimeout as pause } from 'node:timers/promises'
import { BursarError } from '@bursar/core'
import { Client, type ClientConfig, Pool, type PoolClient } from 'pg'
import { migrate } from './migrate.ts'
import { closedError, isPassing, openError } from './store-error.ts'

/** How long a commit or a read waits for the database to come back before it is rejected. */
const RECONNECT_TOTAL_MS = 10_000

/** First pause before a connection is tried again; each next one is twice as long, up to the last. */
const RECONNECT_FIRST_MS = 10
const RECONNECT_LAST_MS = 500

/** Longer than a handshake takes, with TLS and around the world. */
const CONNECT_MS = 5_000

/** A transaction whose process has stopped in the middle of it: the server ends it, and its locks. */
const IDLE_IN_TRANSACTION_MS = 5_000

/** Longer than others may hold a lock, the stopped ones included. */
const LOCK_MS = 10_000

/** No statement of ours takes nearly as long, its wait for a lock included. */
const STATEMENT_MS = 20_000

/** A server that says nothing for longer than it gives a statement is gone. */
const SILENCE_MS = 25_000

/** What a store needs to know of its database. */
export interface ConnectionOptions {
  readonly url: string
  readonly schema: string
  /** Connections at most: one that writes, the others for reads. */
  readonly connections: number
  /** How long to wait for the database to come back. */
  readonly reconnectTotalMs?: number | undefined
  /** How long to wait for another connection's lock. */
  readonly lockMs?: number | undefined
}

/** The connections of one store. They are made when they are needed, and made again when lost. */
export interface Connections {
  /** Host, port and database, for messages. */
  readonly target: string
  /** Runs with the connection that writes. One that throws is not used again. */
  write<Result>(use: (client: Client) => Promise<Result>): Promise<Result>
  read<Result>(use: (client: Client) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

export function openConnections(options: ConnectionOptions): Connections {
  const { url, schema, reconnectTotalMs = RECONNECT_TOTAL_MS, lockMs = LOCK_MS } = options
  const config: ClientConfig = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: SILENCE_MS,
    keepAlive: true,
    fallback_application_name: 'bursar',
    pipeline: true,
  }
  const { target, user } = describe(config)
  const settings = settingsOf(schema, lockMs)
  const pool = (max: number, onConnect: string): Pool => {
    const made = new Pool({
      ...config,
      max,
      idleTimeoutMillis: 0,
      async onConnect(client) {
        // A connection that is lost while it is used says so to its queries.
        client.on('error', () => {})
        await client.query(onConnect)
      },
    })
    // One that is lost while it is idle is replaced when the next one is needed.
    made.on('error', () => {})
    return made
  }
  const writers = pool(1, settings)
  const readers = pool(options.connections - 1, `${settings}; ${READ_ONLY_SETTING}`)
  let opening: Promise<void> | undefined
  const open = async (): Promise<void> => {
    try {
      await openOnce(config, schema, target)
    } catch (error) {
      opening = undefined
      throw openError(error, target, user)
    }
  }
  const connect = async (from: Pool): Promise<PoolClient> => {
    for (let waitedMs = 0, pauseMs = RECONNECT_FIRST_MS; ; ) {
      try {
        return await from.connect()
      } catch (error) {
        if (from.ending) throw closedError(target)
        if (!isPassing(error) || waitedMs >= reconnectTotalMs) throw openError(error, target, user)
      }
      await pause(pauseMs)
      waitedMs += pauseMs
      pauseMs = Math.min(pauseMs * 2, RECONNECT_LAST_MS)
    }
  }
  const withClient = async <Result>(
    from: Pool,
    use: (client: Client) => Promise<Result>,
  ): Promise<Result> => {
    opening ??= open()
    await opening
    const client = await connect(from)
    let isUsable = false
    try {
      const result = await use(client)
      isUsable = true
      return result
    } finally {
      client.release(!isUsable)
    }
  }
  return {
    target,
    write: (use) => withClient(writers, use),
    read: (use) => withClient(readers, use),
    async close() {
      await Promise.all([writers.end(), readers.end()])
    },
  }
}

/** The first connection finds out whether the database can be used, and brings its schema up. */
async function openOnce(config: ClientConfig, schema: string, target: string): Promise<void> {
  const client = new Client(config)
  client.on('error', () => {})
  try {
    await client.connect()
    await migrate(client, schema, target)
  } finally {
    await client.end()
  }
}

/**
 * Statements find few rows by their keys: plans that look so are right from the first row on, and
 * are made once. A server that acknowledges before it has written must not do so for us.
 */
function settingsOf(schema: string, lockMs: number): string {
  return `SET search_path TO "${schema}"; SET client_encoding TO 'UTF8';
    SET default_transaction_isolation TO 'read committed'; SET jit TO off;
    SET plan_cache_mode TO force_generic_plan; SET enable_seqscan TO off;
    SET enable_hashjoin TO off; SET enable_mergejoin TO off;
    SET statement_timeout TO ${STATEMENT_MS}; SET lock_timeout TO ${lockMs};
    SET idle_in_transaction_session_timeout TO ${IDLE_IN_TRANSACTION_MS};
    SELECT set_config('synchronous_commit', 'on', false)
      WHERE current_setting('synchronous_commit') = 'off'`
}

const READ_ONLY_SETTING = 'SET default_transaction_read_only TO on'

/** Where the URL leads, without its password. Throws for a URL that cannot be read. */
function describe(config: ClientConfig): { target: string; user: string } {
  let client: Client
  try {
    client = new Client(config)
  } catch (error) {
    // A certificate's file may be missing: its name is in the text. The URL itself never is.
    const text = error instanceof Error ? error.message : String(error)
    throw new BursarError('invalid_input', `postgresStore: url: ${text}.`)
  }
  const { host, port, database = '', user = '' } = client
  return { target: `${host}:${port}/${database}`, user }
}
