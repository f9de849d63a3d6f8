import { BursarError, type Store } from '@bursar/core'
import { pageBounds } from '@bursar/core/store'
import type { Client } from 'pg'
import {
  type ConnectionOptions,
  type ConnectionWaits,
  connectionWaits,
  openConnections,
} from './database/connections.ts'
import { isConnectionLostError, storeError } from './database/store-error.ts'
import { batchRunner } from './queue/batch.ts'
import { commitQueue } from './queue/commit-queue.ts'
import { readContent } from './tables/content-table.ts'
import {
  readApprovalPage,
  readAuditPage,
  readCredentialPage,
  readDelegationPage,
  readPaymentPage,
  readSessionPage,
} from './tables/pages.ts'
import { headCache } from './transaction/head-cache.ts'
import type { LedgerTraits } from './transaction/load-plan.ts'
import { loadState } from './transaction/load-rows.ts'

/** The options of `postgresStore`. */
export interface PostgresStoreOptions {
  /**
   * The database, as `postgres://user:password@host:5432/database`. Its parameters set TLS, as `pg`
   * reads them: `?sslmode=verify-full&sslrootcert=ca.pem`.
   */
  readonly url: string
  /**
   * The name of the schema that holds the tables: lower-case letters, digits and underscores. The
   * store creates the schema if it is missing.
   *
   * @default 'bursar'
   */
  readonly schema?: string | undefined
  /**
   * The most connections of this store, from 2 to 100: one that writes, the others for reads.
   *
   * @default 5
   */
  readonly connections?: number | undefined
  /**
   * A clock for tests, in milliseconds since the epoch.
   *
   * @default the database's clock
   */
  readonly clock?: (() => number) | undefined
}

const DEFAULT_CONNECTIONS = 5

/** The most connections of a store. Servers allow some hundred, for all processes together. */
const MAX_CONNECTIONS = 100

/** The number of attempts at a read whose connection is lost. */
const MAX_READS = 3

/**
 * Returns a store that keeps the ledger and the audit trail in a PostgreSQL database, for any number of
 * processes.
 *
 * Throws `invalid_input` for a bad option. The store connects at the first call, and migrates the
 * schema. If the database cannot be used, that call is rejected with `store_unavailable`,
 * `store_readonly` or `store_schema_newer`, and the next call tries again.
 *
 * A commit that cannot be written is rejected, and nothing of it is in the database. One message of
 * `store_failed` says that the outcome is not known: the connection was lost during the commit, and
 * the database could not be asked again.
 *
 * @example
 * ```ts
 * import type { Store } from '@bursar/core'
 * import { postgresStore } from '@bursar/store-postgres'
 *
 * const url = process.env.DATABASE_URL
 * if (url === undefined) throw new Error('DATABASE_URL is not set.')
 * export const store: Store = postgresStore({ url })
 * ```
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  const { clock, ...connection } = parsePostgresOptions(options)
  return storeOn(connection, clock)
}

/**
 * Returns the store over the connections that the options describe.
 *
 * @internal
 */
export function storeOn(
  options: ConnectionOptions,
  clock: (() => number) | undefined,
  waits: ConnectionWaits = connectionWaits,
): Store {
  const connections = openConnections(options, waits)
  /** The time by which the database's clock is ahead of this machine's. */
  let aheadMs = 0
  const onTime = (now: number): void => {
    aheadMs = now - Date.now()
  }
  const traits: LedgerTraits = { hasMerchantLimits: false }
  const runBatch = batchRunner(connections, { clock, traits, cache: headCache(), onTime })
  const queue = commitQueue(runBatch, connections)
  const read = <Result>(query: (client: Client) => Promise<Result>): Promise<Result> =>
    queue.read(async () => {
      for (let tried = 1; ; tried += 1) {
        try {
          return await connections.read(query)
        } catch (error) {
          const isLast = tried >= MAX_READS
          if (!isConnectionLostError(error) || isLast) throw storeError(error, connections.target)
        }
      }
    })
  return {
    commit: (scope, change, when) => queue.commit(scope, change, when),
    read: (scope) => read((client) => loadState(client, scope, traits)),
    now: () => (clock ? clock() : Math.floor(Date.now() + aheadMs)),
    async payments(filter, page) {
      const bounds = pageBounds('payments', page)
      return await read((client) => readPaymentPage(client, filter, bounds))
    },
    async sessions(filter, page) {
      const bounds = pageBounds('sessions', page)
      return await read((client) => readSessionPage(client, filter, bounds))
    },
    async delegations(filter, page) {
      const bounds = pageBounds('delegations', page)
      return await read((client) => readDelegationPage(client, filter, bounds))
    },
    async approvals(filter, page) {
      const bounds = pageBounds('approvals', page)
      return await read((client) => readApprovalPage(client, filter, bounds))
    },
    async credentials(page) {
      const bounds = pageBounds('credentials', page)
      return await read((client) => readCredentialPage(client, bounds))
    },
    content: (payment) => read((client) => readContent(client, payment)),
    async audit(page) {
      const bounds = pageBounds('audit', page)
      return await read((client) => readAuditPage(client, bounds))
    },
    close: () => queue.close(),
  }
}

function parsePostgresOptions(
  options: PostgresStoreOptions,
): ConnectionOptions & { clock: (() => number) | undefined } {
  const { url, schema = 'bursar', connections = DEFAULT_CONNECTIONS, clock } = options
  if (typeof url !== 'string' || !/^postgres(ql)?:\/\//.test(url)) {
    throw postgresOptionError('url', 'must be a URL that begins with postgres://')
  }
  if (typeof schema !== 'string' || !/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw postgresOptionError(
      'schema',
      'must be a name of lower-case letters, digits and underscores',
    )
  }
  if (!Number.isInteger(connections) || connections < 2 || connections > MAX_CONNECTIONS) {
    throw postgresOptionError('connections', `must be a whole number from 2 to ${MAX_CONNECTIONS}`)
  }
  if (clock !== undefined && typeof clock !== 'function') {
    throw postgresOptionError('clock', 'must be a function')
  }
  return { url, schema, connections, clock: clock && (() => readPostgresClockMs(clock())) }
}

/** Returns a clock's time in whole milliseconds. Throws, so that no expiry depends on a broken clock. */
function readPostgresClockMs(at: number): number {
  const ms = Math.floor(at)
  if (Number.isSafeInteger(ms) && ms >= 0) return ms
  throw postgresOptionError('clock', `returned ${String(at)}`)
}

function postgresOptionError(field: string, rule: string): BursarError {
  return new BursarError('invalid_input', `postgresStore: ${field}: ${rule}.`)
}
