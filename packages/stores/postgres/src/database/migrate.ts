import { BursarError } from '@bursar/core'
import { type ClientBase, escapeLiteral, type QueryResult } from 'pg'
import { migrations, SCHEMA_VERSION } from './schema.ts'
import type { Row } from './statement.ts'

/** The oldest server that the tests run on: version 15, as the server writes it. */
const OLDEST_SERVER = 150_000

/** Distinguishes this package's advisory locks from those of others: the letters `burs`. */
const LOCK_CLASS = 0x62757273

/** The time that a process waits for another one to migrate the schema. */
const MIGRATION_MS = 60_000

/**
 * Migrates the schema to the version of this package.
 *
 * Any number of processes may start at once: one of them migrates under an advisory lock, and the
 * others find the new version. A schema that is up to date is only read, so the user needs no right to
 * create anything.
 *
 * Throws `store_unavailable` if the server is too old, its encoding is not UTF-8, or the schema has
 * another application's tables; `store_schema_newer` if a newer version has migrated it.
 */
export async function migrate(client: ClientBase, schema: string, target: string): Promise<void> {
  await assertServerToMigrate(client, target)
  if ((await readMigratedVersion(client, schema, target)) === SCHEMA_VERSION) return
  await client.query(`BEGIN; SET LOCAL lock_timeout TO ${MIGRATION_MS};
    SELECT pg_advisory_xact_lock(${LOCK_CLASS}, hashtext(${escapeLiteral(schema)}))`)
  // Another process may have migrated meanwhile: the version is read again behind the lock.
  const version = await readMigratedVersion(client, schema, target)
  if (version === undefined && !(await hasMigratedSchema(client, schema))) {
    await client.query(`CREATE SCHEMA "${schema}"`)
  }
  await client.query(`SET LOCAL search_path TO "${schema}"`)
  // Every commit locks this row, so the schema changes between two commits.
  if (version !== undefined) await client.query('SELECT FROM installation FOR UPDATE')
  for (const migration of migrations.slice(version ?? 0)) await client.query(migration)
  await client.query(`UPDATE installation SET version = ${SCHEMA_VERSION}; COMMIT`)
}

async function assertServerToMigrate(client: ClientBase, target: string): Promise<void> {
  const [row] = await queryMigrationRows(
    client,
    `SELECT current_setting('server_version_num')::integer AS version,
      current_setting('server_version') AS name, current_setting('server_encoding') AS encoding`,
  )
  if (Number(row?.version) < OLDEST_SERVER) {
    const message = `The store ${target} cannot be opened: PostgreSQL ${row?.name} is too old. Use 15 or newer.`
    throw new BursarError('store_unavailable', message)
  }
  if (row?.encoding !== 'UTF8') {
    const message = `The store ${target} cannot be opened: the database's encoding is ${row?.encoding}, not UTF8.`
    throw new BursarError('store_unavailable', message)
  }
}

/** Returns the version of the schema, or undefined if the schema has no tables. */
async function readMigratedVersion(
  client: ClientBase,
  schema: string,
  target: string,
): Promise<number | undefined> {
  const [found] = await queryMigrationRows(
    client,
    `SELECT count(*)::integer AS tables,
      count(*) FILTER (WHERE relname = 'installation')::integer AS ours
    FROM pg_class WHERE relnamespace = to_regnamespace(${escapeLiteral(`"${schema}"`)})
      AND relkind IN ('r', 'p', 'v', 'm')`,
  )
  if (found?.tables === 0) return undefined
  if (found?.ours === 0) {
    const message = `The store ${target} cannot be opened: its schema ${schema} holds another application's tables.`
    throw new BursarError('store_unavailable', message)
  }
  const [row] = await queryMigrationRows(client, `SELECT version FROM "${schema}".installation`)
  const version = Number(row?.version)
  if (version > SCHEMA_VERSION) throw newerMigrationError(version, target)
  return version
}

/** Returns the error of a schema that a newer version of this package has migrated. */
export function newerMigrationError(version: number, target: string): BursarError {
  const message =
    `The store ${target} has schema version ${version}; this version of @bursar/store-postgres ` +
    `knows ${SCHEMA_VERSION}. Update the package.`
  return new BursarError('store_schema_newer', message)
}

async function hasMigratedSchema(client: ClientBase, schema: string): Promise<boolean> {
  const name = escapeLiteral(schema)
  const rows = await queryMigrationRows(
    client,
    `SELECT 1 FROM pg_namespace WHERE nspname = ${name}`,
  )
  return rows.length > 0
}

async function queryMigrationRows(client: ClientBase, text: string): Promise<readonly Row[]> {
  const result: QueryResult<Row> = await client.query(text)
  return result.rows
}
