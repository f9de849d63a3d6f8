import { BursarError } from '@bursar/core'
import type { Client } from 'pg'
import { MAX_DOCUMENT_BYTES } from './vault-document.ts'
import type { VaultStorage } from './vault-storage.ts'

/** The time limit of a connection and of each query. A payment waits for them. */
const TIMEOUT_MS = 5_000

/** Locks out other writers. An advisory lock also works before the first writer creates the table. */
const WRITERS = 'SELECT pg_advisory_xact_lock(4863521)'

/** The error code of PostgreSQL for a table that does not exist. */
const UNDEFINED_TABLE = '42P01'

/** The vault has its own schema, so that servers can be granted reading only. */
const SCHEMA = `CREATE SCHEMA IF NOT EXISTS bursar_vault;
  CREATE TABLE IF NOT EXISTS bursar_vault.vault (
    id integer PRIMARY KEY CHECK (id = 1), revision bigint NOT NULL, document text NOT NULL
  )`

/** Reads the document; a document over the limit stays out of memory and reads as an empty text. */
const NEWEST = `SELECT revision,
  CASE WHEN octet_length(document) <= ${MAX_DOCUMENT_BYTES} THEN document ELSE '' END AS document
  FROM bursar_vault.vault`

/** Creates the storage in a PostgreSQL database, which may be the ledger's. */
export function postgresStorage(url: string): VaultStorage {
  return {
    async read() {
      return withPostgresClient(url, async (client) => {
        const newest = await readNewestFromPostgres(client).catch((error: unknown) => {
          if (hasPostgresErrorCode(error, UNDEFINED_TABLE)) return undefined
          throw error
        })
        return newest
      })
    },
    async write(text, revision) {
      return withPostgresClient(url, async (client) => {
        // An acknowledged write has to be on the disk, whatever the server's default is.
        await client.query('BEGIN; SET LOCAL synchronous_commit TO on')
        await client.query(WRITERS)
        const before = (await hasPostgresTable(client))
          ? await readNewestFromPostgres(client)
          : undefined
        if ((before?.revision ?? 0) !== revision) return false
        if (before === undefined) await client.query(SCHEMA)
        await client.query(
          `INSERT INTO bursar_vault.vault (id, revision, document) VALUES (1, $1, $2)
           ON CONFLICT (id) DO UPDATE SET revision = $1, document = $2`,
          [revision + 1, text],
        )
        await client.query('COMMIT')
        return true
      })
    },
  }
}

async function readNewestFromPostgres(client: Client) {
  const { rows } = await client.query(NEWEST)
  const [row] = rows
  return row && { revision: Number(row.revision), text: String(row.document) }
}

async function hasPostgresTable(client: Client): Promise<boolean> {
  const { rows } = await client.query("SELECT to_regclass('bursar_vault.vault') AS found")
  return rows[0]?.found !== null
}

/** Runs `use` on a connection of its own. Closing it rolls back a transaction that is still open. */
async function withPostgresClient<Result>(url: string, use: (client: Client) => Promise<Result>) {
  const { Client: PostgresClient } = await import('pg')
  let client: Client | undefined
  try {
    client = new PostgresClient({
      connectionString: url,
      connectionTimeoutMillis: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS,
      fallback_application_name: 'bursar vault',
    })
    // A lost connection fails its queries as well; this listener keeps it from ending the process.
    client.on('error', () => {})
    await client.connect()
    return await use(client)
  } catch (error) {
    throw postgresUnavailableError(error)
  } finally {
    await client?.end().catch(() => undefined)
  }
}

/** Creates the error from the code only: a message may quote the URL, and so a password. */
function postgresUnavailableError(error: unknown): BursarError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const reason = typeof code === 'string' ? code : 'it could not be reached'
  return new BursarError('vault_unavailable', `vault: its PostgreSQL database: ${reason}.`)
}

function hasPostgresErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
