import { BursarError, type Store } from '@bursar/core'
import type { Client } from 'pg'
import { type ConnectionOptions, openConnections } from './database/connections.ts'
import { execute } from './database/statement.ts'
import { isLost, storeError } from './database/store-error.ts'
import { batchRunner } from './queue/batch.ts'
import { commitQueue } from './queue/commit-queue.ts'
import { pageBounds } from './tables/cursor.ts'
import { plainText } from './tables/escape-nul-text.ts'
import {
  approvalsPage,
  auditPage,
  credentialsPage,
  delegationsPage,
  paymentsPage,
  sessionsPage,
} from './tables/pages.ts'
import { contentOf, readContent } from './tables/small-tables.ts'
import { readState } from './transaction/load.ts'
import type { Learnt } from './transaction/load-plan.ts'
import { knownRows } from './transaction/row-cache-head.ts'

/** What `postgresStore` takes. */
export interface PostgresStoreOptions {
  /**
   * The database, as `postgres://user:password@host:5432/database`. TLS by its parameters, as `pg`
   * reads them: `?sslmode=verify-full&sslrootcert=ca.pem`.
   */
  readonly url: string
  /** Name of the schema that holds the tables; it is made if it is missing. `bursar` if not given. */
  readonly schema?: string | undefined
  /** Connections at most, 5 if not given: one that writes, the others for reads. */
  readonly connections?: number | undefined
  /** Milliseconds since the epoch, for a test. Without it, time is the database's. */
  readonly clock?: (() => number) | undefined
}

/** Connections of a process that is given no number. */
const DEFAULT_CONNECTIONS = 5

/** Servers allow some hundred connections in all, for every process together. */
const MAX_CONNECTIONS = 100

/** How often a read is tried whose connection was lost. */
const MAX_READS = 3

/**
 * The ledger and the audit trail in a PostgreSQL database, for any number of processes.
 *
 * Connects at the first call, and brings the schema up to date. A database that cannot be used
 * rejects that call with `store_unavailable`, `store_readonly` or `store_schema_newer`, and the next
 * call tries again. A commit that cannot be written is rejected, and nothing of it is there; only
 * `store_failed` may say in its message that the outcome is not known: then the connection was lost
 * while it committed, and the database could not be asked again.
 *
 * ```ts
 * const store = postgresStore({ url: process.env.DATABASE_URL })
 * ```
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  const { clock, ...connection } = validate(options)
  return storeOn(connection, clock)
}

/** The store over the connections that these options describe. */
export function storeOn(options: ConnectionOptions, clock: (() => number) | undefined): Store {
  const connections = openConnections(options)
  /** How far the database's clock is ahead of this machine's. */
  let aheadMs = 0
  const onTime = (now: number): void => {
    aheadMs = now - Date.now()
  }
  const learnt: Learnt = { perMerchant: false }
  const queue = commitQueue(
    batchRunner(connections, { clock, learnt, known: knownRows(), onTime }),
    connections,
  )
  const read = <Result>(query: (client: Client) => Promise<Result>): Promise<Result> =>
    queue.read(async () => {
      for (let tried = 1; ; tried += 1) {
        try {
          return await connections.read(query)
        } catch (error) {
          if (!isLost(error) || tried >= MAX_READS) throw storeError(error, connections.target)
        }
      }
    })
  return {
    commit: (scope, change, when) => queue.commit(scope, change, when),
    read: (scope) => read((client) => readState(client, scope, learnt)),
    now: () => (clock ? clock() : Math.floor(Date.now() + aheadMs)),
    async payments(filter, page) {
      const bounds = pageBounds('payments', page)
      return await read((client) => paymentsPage(client, filter, bounds))
    },
    async sessions(filter, page) {
      const bounds = pageBounds('sessions', page)
      return await read((client) => sessionsPage(client, filter, bounds))
    },
    async delegations(filter, page) {
      const bounds = pageBounds('delegations', page)
      return await read((client) => delegationsPage(client, filter, bounds))
    },
    async approvals(filter, page) {
      const bounds = pageBounds('approvals', page)
      return await read((client) => approvalsPage(client, filter, bounds))
    },
    async credentials(page) {
      const bounds = pageBounds('credentials', page)
      return await read((client) => credentialsPage(client, bounds))
    },
    async content(payment) {
      const [row] = await read((client) => execute(client, readContent, [plainText(payment)]))
      return row && contentOf(payment, row)
    },
    async audit(page) {
      const bounds = pageBounds('audit', page)
      return await read((client) => auditPage(client, bounds))
    },
    close: () => queue.close(),
  }
}

function validate(
  options: PostgresStoreOptions,
): ConnectionOptions & { clock: (() => number) | undefined } {
  const { url, schema = 'bursar', connections = DEFAULT_CONNECTIONS, clock } = options
  if (typeof url !== 'string' || !/^postgres(ql)?:\/\//.test(url)) {
    throw invalid('url', 'must be a URL that begins with postgres://')
  }
  if (typeof schema !== 'string' || !/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw invalid('schema', 'must be a name of lower-case letters, digits and underscores')
  }
  if (!Number.isInteger(connections) || connections < 2 || connections > MAX_CONNECTIONS) {
    throw invalid('connections', `must be a whole number from 2 to ${MAX_CONNECTIONS}`)
  }
  if (clock !== undefined && typeof clock !== 'function') {
    throw invalid('clock', 'must be a function')
  }
  return { url, schema, connections, clock: clock && (() => wholeMs(clock())) }
}

/** A clock that is broken must not decide about an expiry. */
function wholeMs(at: number): number {
  const ms = Math.floor(at)
  if (Number.isSafeInteger(ms) && ms >= 0) return ms
  throw new BursarError('invalid_input', `postgresStore: clock: returned ${String(at)}.`)
}

function invalid(field: string, rule: string): BursarError {
  return new BursarError('invalid_input', `postgresStore: ${field}: ${rule}.`)
}
