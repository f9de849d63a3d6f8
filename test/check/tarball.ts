import { join } from 'node:path'
import { runCommand } from './command.ts'
import type { PublishedPackage } from './published-package.ts'

/** A package as it would be uploaded. */
export interface Tarball {
  readonly package: PublishedPackage
  /** The absolute path of the tarball. */
  readonly path: string
}

/** Packs a package that is already built, into `folder`, as `pnpm publish` would. */
export async function packTarball(published: PublishedPackage, folder: string): Promise<Tarball> {
  const path = join(folder, `${published.name.replace('@', '').replace('/', '-')}.tgz`)
  await runCommand('pnpm', ['-C', published.folder, 'pack', '--out', path])
  return { package: published, path }
}

/** Throws if publint or are-the-types-wrong find anything to say about a tarball. */
export async function lintTarball(tarball: Tarball): Promise<void> {
  await runCommand('publint', ['run', '--strict', tarball.path])
  await runCommand('attw', ['--profile', 'esm-only', '--format', 'ascii', tarball.path])
}
