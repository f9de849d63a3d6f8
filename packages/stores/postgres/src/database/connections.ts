import { setTimeout as delay } from 'node:timers/promises'
import { BursarError } from '@bursar/core'
import { Client, type ClientConfig, Pool, type PoolClient } from 'pg'
import { migrate } from './migrate.ts'
import { closedError, isTemporaryError, openError } from './store-error.ts'

/**
 * The first pause before a connection is tried again. Each next pause doubles, up to the longest.
 */
const RECONNECT_FIRST_MS = 10
const RECONNECT_LONGEST_MS = 500

/** The longest time to connect: longer than a handshake takes, with TLS and around the world. */
const CONNECT_MS = 5_000

/** The idle time after which the server ends a transaction whose process has stopped, and its locks. */
const IDLE_IN_TRANSACTION_MS = 5_000

/** The longest time of a statement: much longer than one takes, its wait for a lock included. */
const STATEMENT_MS = 20_000

/** The silence after which a server is gone: longer than it gives a statement. */
const SILENCE_MS = 25_000

/** The options by which a store reaches its database. */
export interface ConnectionOptions {
  readonly url: string
  readonly schema: string
  /** The most connections: one that writes, the others for reads. */
  readonly connections: number
}

/**
 * The time limits of a store. Tests shorten them.
 *
 * @internal
 */
export interface ConnectionWaits {
  /** The time that a commit or a read waits for the database to come back, in milliseconds. */
  readonly reconnectTotalMs: number
  /** The time that a statement waits for a lock, in milliseconds. */
  readonly lockMs: number
}

/** The waits of a store: a lock may be held for longer than the server lets a stopped process idle. */
export const connectionWaits: ConnectionWaits = { reconnectTotalMs: 10_000, lockMs: 10_000 }

/** The connections of one store. They are opened when they are needed, and again when they are lost. */
export interface Connections {
  /** The host, port and database, for messages. */
  readonly target: string
  /** Runs with the connection that writes. A connection whose use throws is not used again. */
  write<Result>(use: (client: Client) => Promise<Result>): Promise<Result>
  /** Runs with a connection that only reads. */
  read<Result>(use: (client: Client) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

/** Returns the connections to a database, without opening any. Throws `invalid_input` for a bad URL. */
export function openConnections(
  { url, schema, connections }: ConnectionOptions,
  waits: ConnectionWaits = connectionWaits,
): Connections {
  const config: ClientConfig = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: SILENCE_MS,
    keepAlive: true,
    fallback_application_name: 'bursar',
    pipeline: true,
  }
  const { target, user } = describeConnectionTarget(config)
  const settings = connectionSettings(schema, waits.lockMs)
  const writers = createConnectionPool(config, 1, settings)
  const readers = createConnectionPool(config, connections - 1, `${settings}; ${READ_ONLY_SETTING}`)
  let opening: Promise<void> | undefined
  const open = async (): Promise<void> => {
    try {
      await prepareConnections(config, schema, target)
    } catch (error) {
      opening = undefined
      throw openError(error, target, user)
    }
  }
  const connect = async (pool: Pool): Promise<PoolClient> => {
    for (let waitedMs = 0, pauseMs = RECONNECT_FIRST_MS; ; ) {
      try {
        return await pool.connect()
      } catch (error) {
        if (pool.ending) throw closedError(target)
        const isTimeUp = waitedMs >= waits.reconnectTotalMs
        if (!isTemporaryError(error) || isTimeUp) throw openError(error, target, user)
      }
      await delay(pauseMs)
      waitedMs += pauseMs
      pauseMs = Math.min(pauseMs * 2, RECONNECT_LONGEST_MS)
    }
  }
  const withClient = async <Result>(
    pool: Pool,
    use: (client: Client) => Promise<Result>,
  ): Promise<Result> => {
    opening ??= open()
    await opening
    const client = await connect(pool)
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

/** Returns a pool whose connections begin with some settings. */
function createConnectionPool(config: ClientConfig, max: number, settings: string): Pool {
  const pool = new Pool({
    ...config,
    max,
    idleTimeoutMillis: 0,
    async onConnect(client) {
      // A connection that is lost while it is used rejects its queries.
      client.on('error', () => {})
      await client.query(settings)
    },
  })
  // A connection that is lost while it is idle is replaced when the next one is needed.
  pool.on('error', () => {})
  return pool
}

/** Checks on a connection of its own whether the database can be used, and migrates its schema. */
async function prepareConnections(
  config: ClientConfig,
  schema: string,
  target: string,
): Promise<void> {
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
 * Returns the settings of every connection.
 *
 * Statements find few rows by their keys: a generic plan without sequential scans is right from the
 * first row on, and is made once. `synchronous_commit` is switched on where the server has it off.
 */
function connectionSettings(schema: string, lockMs: number): string {
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

/** Returns host, port, database and user of a URL, without its password. */
function describeConnectionTarget(config: ClientConfig): { target: string; user: string } {
  let client: Client
  try {
    client = new Client(config)
  } catch (error) {
    // The error's text may name a missing certificate file. It never holds the URL of the database.
    const text = error instanceof Error ? error.message : String(error)
    throw new BursarError('invalid_input', `postgresStore: url: ${text}.`)
  }
  const { host, port, database = '', user = '' } = client
  return { target: `${host}:${port}/${database}`, user }
}
