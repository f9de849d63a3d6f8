import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { serverProgram } from './server-program.ts'

/** A PostgreSQL server for tests. */
export interface TestPostgres {
  /** The URL of a database that only this test uses. */
  readonly url: string
  /** Creates another database: empty, or a copy of one without connections. Returns its URL. */
  newDatabase(from?: string): Promise<string>
  /** Drops a database that was created, with the connections to it. */
  dropDatabase(url: string): Promise<void>
  /** Runs a query as the superuser in the database of `url`. */
  query(text: string): Promise<readonly Record<string, unknown>[]>
  /** Stops the server as an administrator does, and starts it again. */
  restart(): Promise<void>
  /** Stops the server until `start`. */
  pause(): Promise<void>
  start(): Promise<void>
  /**
   * Ends every connection. From then on the server cannot write a file beyond a size, as on a full disk.
   * Linux only.
   */
  limitFiles(bytes: number | 'unlimited'): Promise<void>
  /** Drops the databases that were created, and ends the server. */
  stop(): Promise<void>
}

/** The options of a server for tests. */
export interface TestPostgresOptions {
  /** Starts a server even if the environment names one, for tests that stop it. @default false */
  readonly own?: boolean
  /** Whether a commit is on the disk before it is answered; few tests need that. @default false */
  readonly durable?: boolean
  /**
   * Whether the log is in files of 1 MB, so that `limitFiles` can be given a small size.
   * @default false
   */
  readonly smallFiles?: boolean
  /** The server's certificate and its key, in PEM. @default a server without TLS */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** The variable with the URL of a running server, as its superuser, to use instead of starting one. */
const URL_VARIABLE = 'BURSAR_TEST_POSTGRES_URL'

const PASSWORD = 'for-tests-only'

/**
 * Starts a server in a folder of its own, or uses the one that `BURSAR_TEST_POSTGRES_URL` names. The
 * server ends with this process, even if the process is killed.
 */
export async function testPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const named = options.own ? undefined : process.env[URL_VARIABLE]
  return named === undefined ? await startServer(options) : await onServer(named, foreignPower)
}

/** The part of a server that stops and starts it. */
type Power = Pick<TestPostgres, 'pause' | 'start' | 'stop' | 'limitFiles'>

const refusePowerOnServer = (): never => {
  throw new Error('The server of the environment is not stopped by tests.')
}

const foreignPower: Power = {
  pause: refusePowerOnServer,
  start: refusePowerOnServer,
  limitFiles: refusePowerOnServer,
  stop: async () => {},
}

async function startServer({
  durable = false,
  smallFiles = false,
  tls,
}: TestPostgresOptions): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-postgres-'))
  const port = await freeServerPort()
  const log: string[] = []
  const { Server, copy } = await serverProgram()
  const folders = copy === undefined ? [folder] : [folder, copy]
  const server = new Server({
    databaseDir: folder,
    port,
    user: 'postgres',
    password: PASSWORD,
    authMethod: 'scram-sha-256',
    // PostgreSQL refuses to run as root; as anybody else no user is made.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: [
      ...['--encoding=UTF8', '--locale=C', ...(durable ? [] : ['--no-sync'])],
      ...(smallFiles ? ['--wal-segsize=1'] : []),
    ],
    postgresFlags: [
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      ...['-c', `fsync=${durable ? 'on' : 'off'}`, '-c', 'max_connections=200'],
      ...(tls ? ['-c', 'ssl=on'] : []),
    ],
    onLog: (line) => void log.push(String(line)),
    onError: (line) => void log.push(String(line)),
  })
  let endGuard = (): void => {}
  let pid = ''
  const power: Power = {
    async start() {
      await server.start().catch((error: unknown) => {
        throw new Error(`The server did not start: ${log.join('')}`, { cause: error })
      })
      pid = readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0] ?? ''
      endGuard = guardServer(pid, folders)
    },
    async limitFiles(bytes) {
      // Each connection has a process of its own, with the limits of the process that accepts it.
      // Only the owner of a process can limit it everywhere: in some containers root cannot.
      const { uid, gid } = statSync(folder)
      execFileSync('prlimit', ['--pid', pid, `--fsize=${bytes}:unlimited`], { uid, gid })
    },
    async pause() {
      endGuard()
      await server.stop()
    },
    async stop() {
      endGuard()
      await server.stop()
      for (const made of folders) rmSync(made, { recursive: true, force: true })
    },
  }
  await server.initialise()
  if (tls) writeServerCertificate(folder, tls)
  await power.start()
  return await onServer(`postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`, power)
}

/** Writes the files that the server reads. It refuses a key that others can read. */
function writeServerCertificate(
  folder: string,
  { cert, key }: { cert: string; key: string },
): void {
  const { uid, gid } = statSync(folder)
  for (const [name, text] of Object.entries({ 'server.crt': cert, 'server.key': key })) {
    const file = join(folder, name)
    writeFileSync(file, text, { mode: 0o600 })
    chownSync(file, uid, gid)
  }
}

/** Starts a process that ends the server if this process is killed. Returns a function that stops it. */
function guardServer(pid: string, folders: readonly string[]): () => void {
  const script = 'read line && exit; kill -QUIT "$0"; rm -rf "$@"'
  const watcher = spawn('sh', ['-c', script, pid, ...folders], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watcher.unref()
  watcher.stdin.on('error', () => {})
  return () => void watcher.stdin.end('done\n')
}

async function onServer(serverUrl: string, power: Power): Promise<TestPostgres> {
  const made = new Set<string>()
  const drop = async (name: string): Promise<void> => {
    await runOnServer(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`)
    made.delete(name)
  }
  const newDatabase = async (from?: string): Promise<string> => {
    const name = `bursar_test_${randomBytes(6).toString('hex')}`
    const template = from === undefined ? 'template0' : databaseNameOnServer(from)
    await runOnServer(serverUrl, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE ${template}`)
    made.add(name)
    const url = new URL(serverUrl)
    url.pathname = `/${name}`
    return url.href
  }
  const url = await newDatabase()
  return {
    ...power,
    url,
    newDatabase,
    dropDatabase: (dropped) => drop(databaseNameOnServer(dropped)),
    query: (text) => runOnServer(url, text),
    async limitFiles(bytes) {
      await power.limitFiles(bytes)
      await runOnServer(
        serverUrl,
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
      )
    },
    async restart() {
      await power.pause()
      await power.start()
    },
    async stop() {
      for (const name of made) await drop(name)
      await power.stop()
    },
  }
}

function databaseNameOnServer(url: string): string {
  return new URL(url).pathname.slice(1)
}

async function runOnServer(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

async function freeServerPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || !address) throw new Error('There is no port.')
  return address.port
}
